-- What a model pointed at in written feedback names its request; llm/<request_hash>.json holds the rest.

ALTER TABLE findings ADD COLUMN downgraded_from VARCHAR;   -- severity a rule gave before a model took it for a false alarm
ALTER TABLE findings ADD COLUMN request_hash VARCHAR;
ALTER TABLE claims ADD COLUMN model VARCHAR;
ALTER TABLE claims ADD COLUMN request_hash VARCHAR;
