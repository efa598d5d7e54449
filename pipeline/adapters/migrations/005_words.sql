-- What each public view and column means, kept in the file itself so that every client shows it.

COMMENT ON VIEW evidence_quotes IS 'Verified evidence: one row a span of the candidate''s words and a signal. The quote is cut from the transcript at query time.';
COMMENT ON COLUMN evidence_quotes.evidence_id IS 'Stable id: transcript, span and signal; the same finding keeps it over reruns';
COMMENT ON COLUMN evidence_quotes.candidate_id IS 'Who was interviewed, as the manifest names them';
COMMENT ON COLUMN evidence_quotes.interview_id IS 'Which interview, as the manifest names it';
COMMENT ON COLUMN evidence_quotes.recording_id IS 'The recording in which the speaker is heard; start_s and end_s count from its start';
COMMENT ON COLUMN evidence_quotes.role_profile IS 'The rubric that was used, a file of prompts/rubrics/';
COMMENT ON COLUMN evidence_quotes.pillar IS 'Id of the pillar the signal belongs to';
COMMENT ON COLUMN evidence_quotes.signal IS 'Id of the signal the span shows';
COMMENT ON COLUMN evidence_quotes.polarity IS 'strong or weak; follows from the signal';
COMMENT ON COLUMN evidence_quotes.quote IS 'The candidate''s words, exactly as in the transcript';
COMMENT ON COLUMN evidence_quotes.speaker IS 'The speaker''s label: left, right, a track''s file, or a name of the transcript';
COMMENT ON COLUMN evidence_quotes.start_s IS 'Start of the first word, seconds';
COMMENT ON COLUMN evidence_quotes.end_s IS 'End of the last word, seconds';
COMMENT ON COLUMN evidence_quotes.first_line IS 'First transcript line of the span, from 1';
COMMENT ON COLUMN evidence_quotes.last_line IS 'Last transcript line of the span, inclusive';
COMMENT ON COLUMN evidence_quotes.prompted IS 'true when an interviewer''s hint or demand led directly to it';
COMMENT ON COLUMN evidence_quotes.question_id IS 'The question, when the interview had exactly one; else NULL';
COMMENT ON COLUMN evidence_quotes.extractor IS 'offline (cues), model, or person';
COMMENT ON COLUMN evidence_quotes.model IS 'The model that pointed here; cues for the offline extractor';
COMMENT ON COLUMN evidence_quotes.prompt_hash IS 'Hash of the prompt template';
COMMENT ON COLUMN evidence_quotes.rubric_hash IS 'Hash of the pillar as it was used';
COMMENT ON COLUMN evidence_quotes.transcript_hash IS 'Hash of the transcript the span belongs to';
COMMENT ON COLUMN evidence_quotes.request_hash IS 'Names the file under llm/ that holds request and raw answer; NULL offline';
COMMENT ON COLUMN evidence_quotes.run_id IS 'The run that stored the row';
COMMENT ON COLUMN evidence_quotes.created_at IS 'When it was stored, UTC';

COMMENT ON VIEW coverage_by_pillar IS 'What each interview can say about each pillar. Silence is never weak.';
COMMENT ON COLUMN coverage_by_pillar.interview_id IS 'Which interview';
COMMENT ON COLUMN coverage_by_pillar.candidate_id IS 'Who was interviewed';
COMMENT ON COLUMN coverage_by_pillar.pillar IS 'Id of the pillar';
COMMENT ON COLUMN coverage_by_pillar.state IS 'evidence, asked_none_seen, not_asked or not_assessable';
COMMENT ON COLUMN coverage_by_pillar.strong IS 'Strong evidence rows';
COMMENT ON COLUMN coverage_by_pillar.weak IS 'Weak evidence rows';
COMMENT ON COLUMN coverage_by_pillar.probes IS 'Interviewer lines that ask about the pillar';

COMMENT ON VIEW calls_current IS 'People''s calls, the latest of each reviewer, pillar and step.';
COMMENT ON COLUMN calls_current.candidate_id IS 'Who was interviewed';
COMMENT ON COLUMN calls_current.interview_id IS 'Which interview';
COMMENT ON COLUMN calls_current.reviewer_id IS 'Who made the call';
COMMENT ON COLUMN calls_current.pillar IS 'Id of the pillar';
COMMENT ON COLUMN calls_current.step IS '1 from own notes, 2 after the evidence, 3 after the debrief';
COMMENT ON COLUMN calls_current.level IS 'weak, ok, strong or not_assessable';
COMMENT ON COLUMN calls_current.rationale IS 'The reviewer''s written reason';
COMMENT ON COLUMN calls_current.evidence_ids IS 'What the reviewer cites; empty: no evidence seen';
COMMENT ON COLUMN calls_current.created_at IS 'When it was made, UTC';

COMMENT ON VIEW finding_list IS 'Lint findings on written feedback: phrases to look at, never a judgement of the writer or the candidate.';
COMMENT ON COLUMN finding_list.feedback_id IS 'Which feedback file';
COMMENT ON COLUMN finding_list.candidate_id IS 'About whom';
COMMENT ON COLUMN finding_list.interviewer_id IS 'By whom';
COMMENT ON COLUMN finding_list.code IS 'Rule, for example GF201';
COMMENT ON COLUMN finding_list.start IS 'First character, from 0, code points';
COMMENT ON COLUMN finding_list."end" IS 'One past the last character';
COMMENT ON COLUMN finding_list.text IS 'The phrase';
COMMENT ON COLUMN finding_list.severity IS 'error, warning or info';
COMMENT ON COLUMN finding_list.source IS 'rules, document or model';

COMMENT ON VIEW llm_usage IS 'What model endpoints were asked, per run and model.';
COMMENT ON COLUMN llm_usage.run_id IS 'Which run';
COMMENT ON COLUMN llm_usage.model IS 'Which model';
COMMENT ON COLUMN llm_usage.calls IS 'Requests that were sent';
COMMENT ON COLUMN llm_usage.cached IS 'Requests answered from llm/';
COMMENT ON COLUMN llm_usage.input_tokens IS 'Tokens sent, as the endpoint counts';
COMMENT ON COLUMN llm_usage.output_tokens IS 'Tokens answered';
COMMENT ON COLUMN llm_usage.seconds IS 'Time waited, summed over requests';
