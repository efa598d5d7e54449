-- The review page: who may look, which step of a reviewer is closed, what people added to the evidence.

CREATE TABLE review_visits (                -- a signed-in browser; the cookie's secret is kept hashed
    visit_hash  VARCHAR PRIMARY KEY,
    reviewer_id VARCHAR NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    expires_at  TIMESTAMP NOT NULL,
    ended       BOOLEAN NOT NULL
);
CREATE TABLE call_bases (                   -- what a call rests on
    call_id VARCHAR PRIMARY KEY,
    basis   VARCHAR NOT NULL                -- cited | notes | none_seen
);
CREATE TABLE step_locks (                   -- a reviewer closed a step: only closed steps are shown to others
    interview_id VARCHAR NOT NULL,
    reviewer_id  VARCHAR NOT NULL,
    step         INTEGER NOT NULL,
    first_step   INTEGER NOT NULL,          -- 1: was in the interview; 2: was not, and says so for ever
    created_at   TIMESTAMP NOT NULL,
    UNIQUE (interview_id, reviewer_id, step)
);
CREATE TABLE debrief_openings (             -- opened although something is missing, by whom and why
    candidate_id VARCHAR NOT NULL,
    opened_by    VARCHAR NOT NULL,
    missing      VARCHAR NOT NULL,
    reason       VARCHAR NOT NULL,
    created_at   TIMESTAMP NOT NULL
);
CREATE TABLE person_evidence (              -- spans that a person pointed at, or gave another signal
    correction_id   VARCHAR PRIMARY KEY,
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
    rubric_hash     VARCHAR NOT NULL,
    author          VARCHAR NOT NULL,
    created_at      TIMESTAMP NOT NULL
);

-- The last word of people on a piece of evidence.
CREATE VIEW evidence_standing AS
SELECT interview_id, evidence_id, kind, reason, author, created_at
FROM corrections WHERE kind IN ('reject', 'relabel', 'restore')
QUALIFY row_number() OVER (PARTITION BY interview_id, evidence_id ORDER BY created_at DESC, correction_id DESC) = 1;

-- Everything that was ever pointed at in the transcript in force, by a machine or a person.
CREATE VIEW evidence_pointed AS
SELECT e.evidence_id, e.interview_id, e.transcript_hash, e.pillar, e.signal, e.polarity, e.start, e."end",
       e.first_line, e.last_line, e.start_s, e.end_s, e.speaker, e.prompted_by, e.extractor, e.model, e.prompt_hash,
       e.rubric_hash, e.request_hash, e.run_id, e.created_at
FROM evidence e WHERE e.current
UNION ALL
SELECT p.evidence_id, p.interview_id, p.transcript_hash, p.pillar, p.signal, p.polarity, p.start, p."end",
       p.first_line, p.last_line, p.start_s, p.end_s, p.speaker, p.prompted_by, 'person', p.author, '',
       p.rubric_hash, NULL, p.correction_id, p.created_at
FROM person_evidence p
JOIN interviews i ON i.interview_id = p.interview_id AND i.transcript_hash = p.transcript_hash;

CREATE OR REPLACE VIEW evidence_quotes AS
SELECT e.evidence_id, i.candidate_id, e.interview_id, s.recording_id, i.role_profile, e.pillar, e.signal, e.polarity,
       substring(t.text, e.start + 1, e."end" - e.start) AS quote, e.speaker, e.start_s, e.end_s,
       e.first_line, e.last_line, e.prompted_by IS NOT NULL AS prompted,
       CASE WHEN len(i.questions) = 1 THEN i.questions[1] END AS question_id,
       e.extractor, e.model, e.prompt_hash, e.rubric_hash, e.transcript_hash, e.request_hash, e.run_id, e.created_at
FROM evidence_pointed e
JOIN interviews i USING (interview_id)
JOIN transcripts t ON t.transcript_hash = e.transcript_hash
LEFT JOIN speakers s ON s.interview_id = e.interview_id AND s.speaker = e.speaker
LEFT JOIN evidence_standing x ON x.interview_id = e.interview_id AND x.evidence_id = e.evidence_id
WHERE coalesce(x.kind, 'restore') = 'restore';

-- Coverage follows what people rejected and added; a gap stays the gap it was.
CREATE OR REPLACE VIEW coverage_by_pillar AS
SELECT c.interview_id, i.candidate_id, c.pillar,
       CASE WHEN coalesce(q.strong, 0) + coalesce(q.weak, 0) > 0 THEN 'evidence'
            WHEN c.state <> 'evidence' THEN c.state
            WHEN c.probes > 0 THEN 'asked_none_seen'
            ELSE 'not_asked' END AS state,
       coalesce(q.strong, 0)::INTEGER AS strong, coalesce(q.weak, 0)::INTEGER AS weak, c.probes
FROM coverage c
JOIN interviews i USING (interview_id)
LEFT JOIN (
    SELECT e.interview_id, e.pillar, count(*) FILTER (WHERE e.polarity = 'strong') AS strong,
           count(*) FILTER (WHERE e.polarity = 'weak') AS weak
    FROM evidence_pointed e
    LEFT JOIN evidence_standing x ON x.interview_id = e.interview_id AND x.evidence_id = e.evidence_id
    WHERE coalesce(x.kind, 'restore') = 'restore'
    GROUP BY ALL
) q ON q.interview_id = c.interview_id AND q.pillar = c.pillar;
