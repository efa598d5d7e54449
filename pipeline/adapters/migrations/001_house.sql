-- The house: what was recorded, what was said, what was pointed at, what people decided, what happened after.
-- No index and no foreign key on purpose (docs/decisions/storage.md); rows are checked before they are written.

-- recordings and what was said ---------------------------------------------------------------------------------------
CREATE TABLE interviews (
    interview_id    VARCHAR PRIMARY KEY,
    candidate_id    VARCHAR NOT NULL,
    role_profile    VARCHAR,
    held_on         DATE,
    format          VARCHAR,
    interviewers    VARCHAR[] NOT NULL,
    questions       VARCHAR[] NOT NULL,
    consent         BOOLEAN,
    folder          VARCHAR,
    entry           JSON,                   -- the manifest entry as checked
    transcript_hash VARCHAR,
    state           VARCHAR NOT NULL,       -- pending | done | failed
    stage           VARCHAR,                -- the stage that failed, or the last one that ended
    reason          VARCHAR,
    retry           VARCHAR
);
CREATE TABLE recordings (
    recording_id VARCHAR NOT NULL,
    interview_id VARCHAR NOT NULL,
    path         VARCHAR NOT NULL,
    sha256       VARCHAR NOT NULL,
    kind         VARCHAR NOT NULL,          -- audio | transcript
    size         BIGINT NOT NULL,
    mtime_ns     BIGINT NOT NULL,
    duration_s   DOUBLE,
    channels     INTEGER
);
CREATE TABLE speakers (
    interview_id VARCHAR NOT NULL,
    speaker      VARCHAR NOT NULL,
    role         VARCHAR NOT NULL,          -- candidate | interviewer | unknown
    source       VARCHAR NOT NULL,          -- manifest | proposed | confirmed
    reason       VARCHAR NOT NULL,
    recording_id VARCHAR,                   -- the recording in which this speaker is heard
    channel      INTEGER                    -- 0 left, 1 right, NULL: all channels
);
CREATE TABLE transcripts (
    transcript_hash VARCHAR PRIMARY KEY,
    interview_id    VARCHAR NOT NULL,
    text            VARCHAR NOT NULL,
    words           JSON NOT NULL,          -- {"start":[],"end":[],"start_s":[],"end_s":[],"speaker":[],"probability":[]}
    source          VARCHAR NOT NULL,
    language        VARCHAR,
    duration_s      DOUBLE NOT NULL
);
CREATE TABLE lines (
    transcript_hash VARCHAR NOT NULL,
    line            INTEGER NOT NULL,
    turn            INTEGER NOT NULL,
    speaker         VARCHAR NOT NULL,
    start           INTEGER NOT NULL,
    "end"           INTEGER NOT NULL,
    start_s         DOUBLE NOT NULL,
    end_s           DOUBLE NOT NULL
);
CREATE TABLE flags (
    interview_id VARCHAR NOT NULL,
    kind         VARCHAR NOT NULL,
    detail       VARCHAR NOT NULL,
    first_line   INTEGER,
    last_line    INTEGER
);

-- what was pointed at ------------------------------------------------------------------------------------------------
CREATE TABLE drafts (
    interview_id VARCHAR NOT NULL,
    kind         VARCHAR NOT NULL,          -- evidence | probe
    extractor    VARCHAR NOT NULL,
    model        VARCHAR NOT NULL,
    prompt_hash  VARCHAR NOT NULL,
    chunk        INTEGER NOT NULL,
    pillar       VARCHAR NOT NULL,
    signal       VARCHAR,
    first        INTEGER NOT NULL,
    last         INTEGER NOT NULL,
    prompted_by  INTEGER,
    request_hash VARCHAR,
    fault        VARCHAR                    -- a reason for rejection that its extractor knew
);
CREATE TABLE evidence (
    evidence_id     VARCHAR NOT NULL,
    interview_id    VARCHAR NOT NULL,
    transcript_hash VARCHAR NOT NULL,
    pillar          VARCHAR NOT NULL,
    signal          VARCHAR NOT NULL,
    polarity        VARCHAR NOT NULL,
    start           INTEGER NOT NULL,
    "end"           INTEGER NOT NULL,
    first_line      INTEGER NOT NULL,
    last_line       INTEGER NOT NULL,
    start_s         DOUBLE NOT NULL,
    end_s           DOUBLE NOT NULL,
    speaker         VARCHAR NOT NULL,
    prompted_by     INTEGER,
    extractor       VARCHAR NOT NULL,
    model           VARCHAR NOT NULL,
    prompt_hash     VARCHAR NOT NULL,
    rubric_hash     VARCHAR NOT NULL,
    request_hash    VARCHAR,
    run_id          VARCHAR NOT NULL,
    created_at      TIMESTAMP NOT NULL,
    current         BOOLEAN NOT NULL        -- false: found before, no longer found; kept because calls may cite it
);
CREATE TABLE rejections (
    interview_id VARCHAR NOT NULL,
    kind         VARCHAR NOT NULL,          -- evidence | probe
    reason       VARCHAR NOT NULL,
    detail       VARCHAR NOT NULL,
    chunk        INTEGER NOT NULL,
    pillar       VARCHAR NOT NULL,
    signal       VARCHAR,
    first        INTEGER NOT NULL,
    last         INTEGER NOT NULL,
    extractor    VARCHAR NOT NULL,
    request_hash VARCHAR,
    run_id       VARCHAR NOT NULL
);
CREATE TABLE probes (
    interview_id VARCHAR NOT NULL,
    pillar       VARCHAR NOT NULL,
    line         INTEGER NOT NULL,
    extractor    VARCHAR NOT NULL,
    request_hash VARCHAR
);
CREATE TABLE coverage (
    interview_id VARCHAR NOT NULL,
    pillar       VARCHAR NOT NULL,
    state        VARCHAR NOT NULL,          -- evidence | asked_none_seen | not_asked | not_assessable
    strong       INTEGER NOT NULL,
    weak         INTEGER NOT NULL,
    probes       INTEGER NOT NULL
);

-- how it was made ----------------------------------------------------------------------------------------------------
CREATE TABLE runs (
    run_id     VARCHAR PRIMARY KEY,
    started_at TIMESTAMP NOT NULL,
    version    VARCHAR NOT NULL,
    settings   JSON NOT NULL
);
CREATE TABLE stage_runs (
    interview_id VARCHAR NOT NULL,
    stage        VARCHAR NOT NULL,
    key          VARCHAR NOT NULL,          -- hash of all that shaped the stage's output
    made_by      JSON,                      -- of stage extract: extractor, model, prompt_hash
    run_id       VARCHAR NOT NULL,
    seconds      DOUBLE NOT NULL
);
CREATE TABLE llm_calls (
    request_hash  VARCHAR NOT NULL,
    run_id        VARCHAR NOT NULL,
    interview_id  VARCHAR NOT NULL,
    model         VARCHAR NOT NULL,
    cached        BOOLEAN NOT NULL,
    input_tokens  BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    seconds       DOUBLE NOT NULL,
    attempts      INTEGER NOT NULL
);
CREATE TABLE journal (
    seq          BIGINT PRIMARY KEY,
    created_at   TIMESTAMP NOT NULL,
    actor        VARCHAR NOT NULL,
    action       VARCHAR NOT NULL,
    subject      VARCHAR NOT NULL,
    detail       VARCHAR NOT NULL           -- ids, counts and reasons typed by people; never a candidate's words
);

-- what people wrote and decided --------------------------------------------------------------------------------------
CREATE TABLE feedback (
    feedback_id    VARCHAR PRIMARY KEY,
    interview_id   VARCHAR,
    candidate_id   VARCHAR,
    interviewer_id VARCHAR,
    path           VARCHAR NOT NULL,
    sha256         VARCHAR NOT NULL,
    text           VARCHAR NOT NULL,
    created_at     TIMESTAMP NOT NULL
);
CREATE TABLE findings (
    feedback_id VARCHAR NOT NULL,
    code        VARCHAR NOT NULL,
    name        VARCHAR NOT NULL,
    severity    VARCHAR NOT NULL,
    start       INTEGER NOT NULL,
    "end"       INTEGER NOT NULL,
    text        VARCHAR NOT NULL,
    question    VARCHAR NOT NULL,
    source      VARCHAR NOT NULL            -- rules | document | model
);
CREATE TABLE claims (
    feedback_id VARCHAR NOT NULL,
    claim       INTEGER NOT NULL,
    start       INTEGER NOT NULL,
    "end"       INTEGER NOT NULL,
    state       VARCHAR NOT NULL,           -- supported | contradicted | none_found
    first_line  INTEGER,
    last_line   INTEGER,
    counted     INTEGER,                    -- what the recording shows, for a claim with a count
    claimed     INTEGER,
    source      VARCHAR NOT NULL,           -- offline | model
    detail      VARCHAR NOT NULL
);
CREATE TABLE reviewers (
    reviewer_id VARCHAR PRIMARY KEY,
    name        VARCHAR NOT NULL,
    role        VARCHAR NOT NULL,           -- interviewer | hiring_lead
    token_hash  VARCHAR,
    created_at  TIMESTAMP NOT NULL
);
CREATE TABLE assignments (
    reviewer_id  VARCHAR NOT NULL,
    candidate_id VARCHAR NOT NULL,
    interview_id VARCHAR,
    pillar       VARCHAR
);
CREATE TABLE calls (
    call_id      VARCHAR PRIMARY KEY,
    candidate_id VARCHAR NOT NULL,
    interview_id VARCHAR NOT NULL,
    reviewer_id  VARCHAR NOT NULL,
    pillar       VARCHAR NOT NULL,
    step         INTEGER NOT NULL,          -- 1 own notes, 2 after the evidence, 3 after the debrief; imported: 1
    level        VARCHAR NOT NULL,          -- weak | ok | strong | not_assessable
    rationale    VARCHAR,
    evidence_ids VARCHAR[] NOT NULL,
    source       VARCHAR NOT NULL,          -- review | import
    created_at   TIMESTAMP NOT NULL
);
CREATE TABLE corrections (
    correction_id VARCHAR PRIMARY KEY,
    interview_id  VARCHAR NOT NULL,
    kind          VARCHAR NOT NULL,         -- reject | add | relabel | line_speaker | role
    evidence_id   VARCHAR,
    pillar        VARCHAR,
    signal        VARCHAR,
    start         INTEGER,
    "end"         INTEGER,
    first_line    INTEGER,
    last_line     INTEGER,
    speaker       VARCHAR,
    role          VARCHAR,
    reason        VARCHAR NOT NULL,
    author        VARCHAR NOT NULL,
    created_at    TIMESTAMP NOT NULL
);

-- what happened after ------------------------------------------------------------------------------------------------
CREATE TABLE candidates (
    candidate_id VARCHAR PRIMARY KEY,
    role         VARCHAR,
    "group"      VARCHAR,
    applied_on   DATE
);
CREATE TABLE sessions (                     -- who interviewed whom, when no recording says it
    interview_id   VARCHAR NOT NULL,
    candidate_id   VARCHAR NOT NULL,
    interviewer_id VARCHAR NOT NULL,
    role           VARCHAR,
    format         VARCHAR,
    held_on        DATE
);
CREATE TABLE question_bank (
    question_id VARCHAR PRIMARY KEY,
    format      VARCHAR,
    pillar      VARCHAR,
    text        VARCHAR
);
CREATE TABLE questions (
    interview_id VARCHAR NOT NULL,
    question_id  VARCHAR NOT NULL,
    pillar       VARCHAR,
    level        VARCHAR
);
CREATE TABLE votes (
    interview_id   VARCHAR NOT NULL,
    interviewer_id VARCHAR NOT NULL,
    vote           VARCHAR NOT NULL
);
CREATE TABLE decisions (
    candidate_id VARCHAR NOT NULL,
    decision     VARCHAR NOT NULL,
    votes        VARCHAR,
    decided_on   DATE
);
CREATE TABLE outcomes (
    candidate_id VARCHAR NOT NULL,
    months       INTEGER NOT NULL,
    rating       VARCHAR,
    left_reason  VARCHAR,
    rated_by     VARCHAR,
    saw_scores   BOOLEAN
);

-- public views: the contract for SQL users ---------------------------------------------------------------------------
CREATE VIEW evidence_quotes AS
SELECT e.evidence_id, i.candidate_id, e.interview_id, s.recording_id, i.role_profile, e.pillar, e.signal, e.polarity,
       substring(t.text, e.start + 1, e."end" - e.start) AS quote, e.speaker, e.start_s, e.end_s,
       e.first_line, e.last_line, e.prompted_by IS NOT NULL AS prompted,
       CASE WHEN len(i.questions) = 1 THEN i.questions[1] END AS question_id,
       e.extractor, e.model, e.prompt_hash, e.rubric_hash, e.transcript_hash, e.request_hash, e.run_id, e.created_at
FROM evidence e
JOIN interviews i USING (interview_id)
JOIN transcripts t ON t.transcript_hash = e.transcript_hash
LEFT JOIN speakers s ON s.interview_id = e.interview_id AND s.speaker = e.speaker
WHERE e.current;

CREATE VIEW coverage_by_pillar AS
SELECT c.interview_id, i.candidate_id, c.pillar, c.state, c.strong, c.weak, c.probes
FROM coverage c JOIN interviews i USING (interview_id);

CREATE VIEW calls_current AS
SELECT candidate_id, interview_id, reviewer_id, pillar, step, level, rationale, evidence_ids, created_at
FROM calls
QUALIFY row_number() OVER (PARTITION BY interview_id, reviewer_id, pillar, step ORDER BY created_at DESC, call_id DESC) = 1;

CREATE VIEW finding_list AS
SELECT f.feedback_id, b.candidate_id, b.interviewer_id, f.code, f.start, f."end", f.text, f.severity, f.source
FROM findings f JOIN feedback b USING (feedback_id);

CREATE VIEW llm_usage AS
SELECT run_id, model, count(*) FILTER (WHERE NOT cached) AS calls, count(*) FILTER (WHERE cached) AS cached,
       coalesce(sum(input_tokens) FILTER (WHERE NOT cached), 0) AS input_tokens,
       coalesce(sum(output_tokens) FILTER (WHERE NOT cached), 0) AS output_tokens,
       coalesce(sum(seconds) FILTER (WHERE NOT cached), 0.0) AS seconds
FROM llm_calls GROUP BY run_id, model;
