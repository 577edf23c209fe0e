"""The tables of `run.sqlite`. Documented for readers in docs/run-directory.md; the two move together."""

from __future__ import annotations

FILE_NAME = "run.sqlite"
APPLICATION_ID = 0x43477276
"""Marks the file as ours ("CGrv" in its header), so that a foreign database is told apart before it is opened."""
VERSION = 2
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
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  estimated INTEGER NOT NULL,
  dollars REAL,
  seconds REAL NOT NULL,
  adopted TEXT
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

- `at`, `seconds`: seconds on a clock that only runs forward, counted over all sessions of the run; never the wall
  clock, so that setting that back harms nothing.
- `sessions`: one row per process that worked on the run. Without `ended_at` it was killed, or is at work. `ended`
  is what ended it, a value of `codegrove.graphs.end.Ended`; `resource` what was used up, where a budget ended it;
  `reason` the same in words, which may change.
- `events.kind`: `asked` (the policy wants an expansion), `told` (it was answered: `call` is the call whose
  reply is the answer, `execution` the one whose verdict it carries, `outcome` the rest), `rewound` (what followed
  the event with the id `expansion` does not count: nothing came then but failures for want of a model).
- The view `steps` has the events that count; `programs` is made of these. After a rewind an expansion's number is
  used again: it names one expansion among the steps only. `programs.call` is the call whose reply held it.
- `calls.messages`: a list of [role, [ids of texts]]; the view `prompts` puts the texts together.
- `calls.key`: what makes two requests the same: model, parameters, messages and draw.
- `calls.dollars`: NULL when the price is unknown.
- `calls.adopted`, `executions.adopted`: NULL when bought here; `resume` for what this run had bought before it was
  broken off; else the directory of the run it was taken from.
- `decisions`: what humans were asked and said, where the recipe wants their approval. `what` is `plan` or
  `solution`, `item` which plan of the expansion's answer (from 0), `asked` the text shown, `decision` one of
  `accept`, `edit` (`text` is what to use instead), `reject` (`comment` may say why).
- `executions.kind`: `judge` or `trace`; `tests` and `setting` are hashes: of the tests; of entry point, limits and
  sandbox level.
"""
