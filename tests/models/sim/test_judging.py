"""Judgements: exact with full insight, noise with none, and in the forms that are asked for."""

from __future__ import annotations

import json
import random
import re

from codegrove.models.sim.dice import roll
from codegrove.models.sim.planning import plan_text
from codegrove.models.sim.reading import read
from codegrove.models.sim.repairing import named_defect
from codegrove.models.sim.skill import SimSkill
from tests.models.sim.material import CLIMB, SHOWN, TESTED, programmer, request, study

RIGHT = study(CLIMB).text
NEAR = RIGHT.replace("run += 1", "run += 2")
FAR = CLIMB.wrong[0]
BROKEN = RIGHT.replace("else:", "else")


def answers(answer_format: str, judgement: float, count: int = 60, **variables: str) -> list[str]:
    model = programmer(judgement=judgement)
    asked = [request(CLIMB, answer_format, role="critic", draw=draw, **variables) for draw in range(count)]
    return [model.reply(item).text for item in asked]


def scores(judgement: float, program: str) -> list[int]:
    lines = [text.splitlines()[-1] for text in answers("last_line_score", judgement, program=program)]
    assert all(re.fullmatch("[0-5]", line) for line in lines)
    return [int(line) for line in lines]


def test_scores_rank_programs() -> None:
    assert min(scores(1.0, RIGHT)) == 5
    means = [sum(scores(0.7, program)) / 60 for program in (RIGHT, NEAR, FAR, BROKEN)]
    assert means == sorted(means, reverse=True)
    assert means[0] > means[2] + 1
    assert abs(sum(scores(0.0, RIGHT)) - sum(scores(0.0, BROKEN))) < 60


def correct_share(judgement: float, program: str, truth: str) -> float:
    lines = [text.splitlines()[-1] for text in answers("last_line_bool", judgement, 150, program=program)]
    assert set(lines) <= {"true", "false"}
    return lines.count(truth) / len(lines)


def test_verdicts_are_true_as_far_as_judgement_goes() -> None:
    for program, truth in ((RIGHT, "true"), (NEAR, "false")):
        assert correct_share(1.0, program, truth) == 1.0
        assert abs(correct_share(0.7, program, truth) - 0.85) <= 0.1
        assert abs(correct_share(0.0, program, truth) - 0.5) <= 0.12


def test_numbers_lie_between_minus_one_and_one() -> None:
    right = [float(text) for text in answers("number", 0.8, program=RIGHT)]
    wrong = [float(text) for text in answers("number", 0.8, program=FAR)]
    assert all(-1 <= value <= 1 for value in right + wrong)
    assert sum(right) > sum(wrong) + 30


def test_confidence_follows_the_plan() -> None:
    def mean(right: float) -> float:
        plan = plan_text(study(CLIMB), SimSkill(plan=right), roll(request(CLIMB, "text"), 0))
        found = [
            re.findall(r"<confidence>(\d+)</confidence>", text)
            for text in answers("confidence", 0.8, plan=plan)
        ]
        assert all(len(values) == 1 and 0 <= int(values[0]) <= 100 for values in found)
        return sum(int(values[0]) for values in found) / len(found)

    assert mean(1.0) > mean(0.0) + 30


TRACE = "\n".join(
    f"[BLOCK-{index}]\n{source}\n# before: run=0\n# after: run=1"
    for index, source in enumerate(
        [
            "    best = 0\n    run = 0",
            "    for index in range(1, len(heights)):",
            "            run += 2",
            "    return best",
        ]
    )
)


def test_blocks_with_a_defect_are_blamed() -> None:
    for text in answers("blocks_json", 1.0, 5, program=NEAR, trace=TRACE, failing_test=SHOWN):
        items = [json.loads(line) for line in text.splitlines()]
        assert [item["block"] for item in items] == [f"BLOCK-{index}" for index in range(4)]
        assert [item["correct"] for item in items] == [True, True, False, True]
        assert "`run += 2`" in items[2]["explanation"]
    blamed = [
        json.loads(text.splitlines()[2])["correct"]
        for text in answers("blocks_json", 0.6, 100, program=NEAR, trace=TRACE)
    ]
    assert 0.15 <= sum(blamed) / 100 <= 0.45
    assert answers("blocks_json", 1.0, 1, program=NEAR, trace="") == [""]


def remarks_name_the_defect(judgement: float, feedback: str) -> float:
    model = programmer(judgement=judgement)
    hits = total = 0
    for problem in TESTED:
        known = study(problem)
        for seed in range(20):
            program = known.mutant(random.Random(seed), 1)
            if known.compare(program).kind != "near":
                continue
            asked = request(
                problem,
                "numbered",
                role="planner",
                action="reflect",
                draw=seed,
                program=program,
                feedback=feedback,
                width=3,
            )
            lines = [line.split(". ", 1)[1] for line in model.reply(asked).text.splitlines()]
            assert len(lines) == 3
            situations = [read(request(problem, "code", program=program, reflection=line)) for line in lines]
            verdicts = [named_defect(known, known.compare(program), situation)[0] for situation in situations]
            assert verdicts.count(True) <= 1
            hits += True in verdicts
            total += 1
    return hits / total


def test_one_reflection_names_the_true_defect_and_the_debugger_recognises_it() -> None:
    assert remarks_name_the_defect(1.0, SHOWN) > 0.95
    assert abs(remarks_name_the_defect(0.6, SHOWN) - 0.6) <= 0.15
    assert remarks_name_the_defect(0.6, "") < 0.35
    assert remarks_name_the_defect(0.0, SHOWN) == 0.0


def test_reflections_on_another_design_point_to_the_right_one() -> None:
    asked = request(CLIMB, "numbered", action="reflect", program=FAR, feedback=SHOWN, width=3)
    lines = programmer(judgement=1.0).reply(asked).text.splitlines()
    assert [study(CLIMB).judge_line(line) for line in lines].count(True) == 1


def test_a_review_in_words() -> None:
    assert "`run += 2`" in answers("text", 1.0, 1, program=NEAR, feedback=SHOWN)[0]
    assert "nothing to object" in answers("text", 1.0, 1, program=RIGHT)[0]
