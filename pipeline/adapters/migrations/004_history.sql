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

-- The first version of a call, before the debrief: what a retrospective may use. The partition is one number because
-- sorting a million rows by three texts takes twice as long.
CREATE VIEW first_calls AS
SELECT candidate_id, interview_id, reviewer_id, pillar, step, level, source, created_at
FROM calls WHERE step < 3
QUALIFY row_number() OVER (PARTITION BY md5_number(concat_ws(chr(31), interview_id, reviewer_id, pillar))
                           ORDER BY step, created_at, call_id) = 1;

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

COMMENT ON VIEW interview_list IS 'Interviews that were recorded or imported: one row an interview and interviewer.';
COMMENT ON COLUMN interview_list.interview_id IS 'Which interview';
COMMENT ON COLUMN interview_list.candidate_id IS 'Who was interviewed';
COMMENT ON COLUMN interview_list.interviewer_id IS 'By whom; NULL when not recorded';
COMMENT ON COLUMN interview_list.role IS 'The role, or the role profile of a recorded interview';
COMMENT ON COLUMN interview_list.format IS 'For example live-coding, pair-programming, system-design, take-home';
COMMENT ON COLUMN interview_list.held_on IS 'When it was held';
COMMENT ON COLUMN interview_list.recorded IS 'true when a recording or transcript of it was read';

COMMENT ON VIEW question_list IS 'Questions asked: one row an interview and question.';
COMMENT ON COLUMN question_list.interview_id IS 'Which interview';
COMMENT ON COLUMN question_list.question_id IS 'Which question';
COMMENT ON COLUMN question_list.pillar IS 'The pillar it was asked for';
COMMENT ON COLUMN question_list.level IS 'weak, ok or strong, when a person gave a level on the question';

COMMENT ON VIEW first_calls IS 'The first version of each call before the debrief: what a retrospective may use.';
COMMENT ON COLUMN first_calls.candidate_id IS 'Who was interviewed';
COMMENT ON COLUMN first_calls.interview_id IS 'Which interview';
COMMENT ON COLUMN first_calls.reviewer_id IS 'Who made the call';
COMMENT ON COLUMN first_calls.pillar IS 'Id of the pillar';
COMMENT ON COLUMN first_calls.step IS '1 from own notes (imported calls too), 2 after the evidence';
COMMENT ON COLUMN first_calls.level IS 'weak, ok, strong or not_assessable';
COMMENT ON COLUMN first_calls.source IS 'review or import';
COMMENT ON COLUMN first_calls.created_at IS 'When it was made or imported, UTC';

COMMENT ON VIEW vote_list IS 'Hire votes of interviewers: one row an interview and interviewer.';
COMMENT ON COLUMN vote_list.interview_id IS 'Which interview';
COMMENT ON COLUMN vote_list.candidate_id IS 'About whom';
COMMENT ON COLUMN vote_list.interviewer_id IS 'By whom';
COMMENT ON COLUMN vote_list.vote IS 'yes or no';

COMMENT ON VIEW outcome_list IS 'What became of people: one row a person and month of rating or leaving, with the decision.';
COMMENT ON COLUMN outcome_list.candidate_id IS 'Who';
COMMENT ON COLUMN outcome_list.role IS 'The role applied for';
COMMENT ON COLUMN outcome_list.decision IS 'hire, reject, declined or withdrawn';
COMMENT ON COLUMN outcome_list.decided_on IS 'Day of the decision';
COMMENT ON COLUMN outcome_list.months IS 'Months after hiring';
COMMENT ON COLUMN outcome_list.rating IS 'struggling, meeting, exceeding or left';
COMMENT ON COLUMN outcome_list.left_reason IS 'performance, voluntary or unknown, when the person left';
COMMENT ON COLUMN outcome_list.rated_by IS 'Who rated';
COMMENT ON COLUMN outcome_list.saw_scores IS 'true when the rater had seen the interview scores: the rating is contaminated';
