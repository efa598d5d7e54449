-- Interviews that were recorded and interviews that were only noted down, as one list; and the calls that count.

CREATE VIEW interview_list AS
SELECT s.interview_id, s.candidate_id, s.interviewer_id, s.role, s.format, s.held_on,
       EXISTS (FROM interviews i WHERE i.interview_id = s.interview_id) AS recorded
FROM sessions s
UNION ALL
SELECT i.interview_id, i.candidate_id, u.interviewer_id, i.role_profile, i.format, i.held_on, true
FROM interviews i LEFT JOIN (SELECT interview_id, unnest(interviewers) AS interviewer_id FROM interviews) u USING (interview_id)
WHERE i.interview_id NOT IN (SELECT interview_id FROM sessions);

CREATE VIEW question_list AS
SELECT interview_id, question_id, pillar, level FROM questions
UNION ALL
SELECT i.interview_id, i.question_id, b.pillar, NULL
FROM (SELECT interview_id, unnest(questions) AS question_id FROM interviews) i
LEFT JOIN question_bank b USING (question_id)
WHERE NOT EXISTS (FROM questions q WHERE q.interview_id = i.interview_id AND q.question_id = i.question_id);

-- The first version of a call, before the debrief: what a retrospective may use.
CREATE VIEW first_calls AS
SELECT candidate_id, interview_id, reviewer_id, pillar, step, level, source, created_at
FROM calls WHERE step < 3
QUALIFY row_number() OVER (PARTITION BY interview_id, reviewer_id, pillar ORDER BY step, created_at, call_id) = 1;

CREATE VIEW vote_list AS
SELECT v.interview_id, l.candidate_id, v.interviewer_id, v.vote
FROM votes v LEFT JOIN (SELECT interview_id, any_value(candidate_id) AS candidate_id FROM interview_list GROUP BY ALL) l
USING (interview_id);

CREATE VIEW outcome_list AS
SELECT o.candidate_id, c.role, d.decision, d.decided_on, o.months, o.rating, o.left_reason, o.rated_by, o.saw_scores
FROM outcomes o
LEFT JOIN candidates c USING (candidate_id)
LEFT JOIN (SELECT candidate_id, max_by(decision, coalesce(decided_on, DATE '0001-01-01')) AS decision,
                  max(decided_on) AS decided_on
           FROM decisions GROUP BY candidate_id) d USING (candidate_id);
