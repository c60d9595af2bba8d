-- What the twins share: random values that a seed repeats, and where
-- differences are gathered.
CREATE SCHEMA twin;

CREATE TABLE twin.difference (what text NOT NULL, input text NOT NULL, expected text, actual text);

-- An integer from low to high; setseed() makes it repeat.
CREATE FUNCTION twin.pick(low bigint, high bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$
	SELECT low + floor(random() * (high - low + 1))::bigint
$$;

-- One of the texts.
CREATE FUNCTION twin.pick(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT choices[twin.pick(1, cardinality(choices))::integer]
$$;

CREATE FUNCTION twin.compare(what text, input text, expected text, actual text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF expected IS DISTINCT FROM actual THEN
		INSERT INTO twin.difference VALUES (what, input, expected, actual);
	END IF;
END
$$;

-- The line that run.sh reads: what|cases|first difference.
CREATE FUNCTION twin.report(of_what text, cases bigint) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s|%s|%s', of_what, cases, (
		SELECT replace(format('%s differences; first: %s gives %s, the twin says %s', count(*) OVER (),
			left(d.input, 1500), left(d.actual, 1000), left(d.expected, 1000)), E'\n', ' ')
		FROM twin.difference d WHERE d.what = of_what LIMIT 1))
$$;
