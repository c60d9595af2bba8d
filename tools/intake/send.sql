-- For send.sh: each line of the file is a message.
SET client_min_messages = warning;
CREATE TEMP TABLE message (n integer GENERATED ALWAYS AS IDENTITY, payload jsonb NOT NULL);
\set copy '\\copy message (payload) FROM ' :'messages' ' WITH (FORMAT csv, QUOTE E''\\x01'', DELIMITER E''\\x02'')'
:copy
SELECT set_config('intake.channel', :'channel', false) \g /dev/null
CREATE FUNCTION pg_temp.send(payload jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	told record;
BEGIN
	SELECT * INTO told FROM usom.ingest(current_setting('intake.channel'), payload);
	RETURN concat_ws(' ', told.status, told.outcome, told.message_no, told.order_no, (SELECT string_agg(f->>'message', '; ') FROM jsonb_array_elements(told.findings) f));
EXCEPTION WHEN OTHERS THEN
	RETURN format('refused %s %s', SQLSTATE, SQLERRM);
END
$$;
SELECT format('SELECT pg_temp.send(payload) FROM message WHERE n = %s', n) FROM message ORDER BY n \gexec
