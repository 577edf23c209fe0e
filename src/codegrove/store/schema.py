"""The tables of `run.sqlite`. Documented for readers in docs/run-directory.md; the two move together."""

from __future__ import annotations

FILE_NAME = "run.sqlite"
APPLICATION_ID = 0x43477276
"""Marks the file as ours ("CGrv" in its header), so that a foreign database is told apart before it is opened."""
VERSION = 3
"""Goes up whenever a table changes its meaning."""

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE sessions (
  id INTEGER PRIMARY KEY,
  started_at TEXT NOT NULL,
  codegrove TEXT NOT NULL,
  python TEXT NOT NULL,
  workers INTEGER NOT NULL,
  budget TEXT NOT NULL,
  sandbox TEXT NOT NULL,
  reuse TEXT NOT NULL,
  ended_at TEXT,
  seconds REAL,
  result TEXT,
  ended TEXT,
  resource TEXT,
  reason TEXT,
  answer INTEGER,
  spend TEXT,
  verdict TEXT
);

CREATE TABLE texts (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, text TEXT NOT NULL);

CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL,
  at REAL NOT NULL,
  kind TEXT NOT NULL,
  expansion INTEGER,
  action TEXT,
  node INTEGER,
  call INTEGER,
  program INTEGER,
  execution INTEGER,
  reused INTEGER,
  outcome TEXT
);

CREATE TABLE calls (
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL,
  at REAL NOT NULL,
  expansion INTEGER,
  role TEXT NOT NULL,
  action TEXT NOT NULL,
  model TEXT NOT NULL,
  prompt TEXT NOT NULL,
  key BLOB NOT NULL,
  draw INTEGER NOT NULL,
  messages TEXT NOT NULL,
  sampling TEXT,
  max_tokens INTEGER,
  reply TEXT,
  finish TEXT,
  answered_by TEXT,
  error TEXT,
  error_kind TEXT,
  attempts INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  estimated INTEGER NOT NULL,
  dollars REAL,
  seconds REAL NOT NULL,
  adopted TEXT,
  origin TEXT
);

CREATE TABLE executions (
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL,
  at REAL NOT NULL,
  expansion INTEGER,
  kind TEXT NOT NULL,
  program_key TEXT NOT NULL,
  program INTEGER NOT NULL,
  tests BLOB NOT NULL,
  setting BLOB NOT NULL,
  status TEXT NOT NULL,
  verdict TEXT NOT NULL,
  adopted TEXT
);

CREATE TABLE decisions (
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL,
  at REAL NOT NULL,
  what TEXT NOT NULL,
  expansion INTEGER,
  item INTEGER NOT NULL,
  asked INTEGER NOT NULL,
  decision TEXT NOT NULL,
  text TEXT,
  comment TEXT
);

CREATE INDEX executions_of_program ON executions (program_key);

CREATE VIEW prompts AS
  SELECT calls.id AS call, message.key AS position, json_extract(message.value, '$[0]') AS role,
    (SELECT group_concat(text, '') FROM
      (SELECT texts.text FROM json_each(message.value, '$[1]') AS piece JOIN texts ON texts.id = piece.value
       ORDER BY piece.key)) AS text
  FROM calls, json_each(calls.messages) AS message;

CREATE INDEX rewound ON events (id) WHERE kind = 'rewound';

CREATE VIEW steps AS
  SELECT * FROM events AS step
  WHERE step.kind <> 'rewound' AND NOT EXISTS (
    SELECT 1 FROM events AS later
    WHERE later.kind = 'rewound' AND later.id > step.id AND later.expansion < step.id);

CREATE VIEW programs AS
  SELECT told.expansion, asked.action, asked.node AS parent, told.call, texts.text AS program,
    executions.status, told.at
  FROM steps AS told
  JOIN steps AS asked ON asked.expansion = told.expansion AND asked.kind = 'asked'
  JOIN texts ON texts.id = told.program
  LEFT JOIN executions ON executions.id = told.execution
  WHERE told.kind = 'told';
"""
"""What the columns mean:

- `session`: the row of `sessions` that wrote this one. `expansion`: whom the row was for; NULL for none.
- `at`, `seconds`: seconds on a clock that only runs forward, counted over all sessions of the run; never the
  wall clock, so that setting that back harms nothing. `calls.seconds`: what the call itself took.
- `meta`: what is fixed for the run, see `codegrove.runs.record.RunRecord`.
- `sessions`: one row per process that worked on the run, with the `workers`, limits (`budget`, JSON) and level
  of `sandbox` it had. Without `ended_at` it was killed, or is at work. `ended` is what ended it, a value of
  `codegrove.graphs.end.Ended`; `resource` what was used up, where a budget ended it; `reason` the same in words,
  which may change. `result`, `answer` (a node of the tree) and `verdict` (JSON) are those of the solution;
  `spend` (JSON) is what all sessions have used; `reuse` the directories, as JSON, whose answers might be taken.
- `texts.hash`: what the text is found by. Elsewhere a text of this table is named by its id.
- `events.kind`: `asked` (the policy wants an `action` at a `node`), `told` (it was answered: `call` is the call
  whose reply is the answer, `program` a text, `execution` the one whose verdict it carries, `outcome` the rest
  as JSON; `reused` is 1 where the program had been judged before), `rewound` (what followed the event with the
  id `expansion` does not count: nothing was bought then, for want of a model or of budget).
- The view `steps` has the events that count; `programs` is made of these. After a rewind an expansion's number
  is used again: it names one expansion among the steps only. `programs.call` is the call whose reply held it.
- `calls.messages`: a list of [role, [ids of texts]]; the view `prompts` puts the texts together.
- `calls.prompt`: the prompt's id; `sampling` the parameters the agent set (JSON), `max_tokens` the cap the
  budget put on the answer. `key`: what makes two requests the same: model, parameters, messages and draw.
- `calls.reply` or `calls.error`: what came; `finish` why the answer ended, `answered_by` the model's name in the
  provider's words, `error_kind` the kind of `codegrove.errors.ModelError`. `estimated`: 1 where the provider
  reported no tokens.
- `calls.attempts`: how often the question was sent until it was answered or given up; 0 where the answer was found
  in another run. The tokens are those of all attempts that the provider may have read.
- `calls.dollars`: NULL when the price is unknown.
- `calls.adopted`, `executions.adopted`: NULL when bought here; `resume` for what this run had bought before it
  was broken off; else the directory of the run it was taken from (also when it is taken up again).
- `calls.origin`: where an answer taken from another run was bought, as `RUN:CALL`: the `id` in that run's `meta`,
  and the row of the call. Each is taken once, also where it is on record in several runs.
- `decisions`: what humans were asked and said, where the recipe wants their approval. `what` is `plan` or
  `solution`, `item` which plan of the expansion's answer (from 0), `asked` the text shown, `decision` one of
  `accept`, `edit` (`text` is what to use instead), `reject` (`comment` may say why).
- `executions.kind`: `judge` or `trace`; `verdict` is the verdict or the trace as JSON, `status` the verdict's in
  one word. `program_key` is equal for programs that are the same but for layout. `tests` and `setting` are
  hashes: of the tests; of entry point, limits and sandbox level.
"""
