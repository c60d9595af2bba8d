--
-- expect.sql
--		What the stock must be after the replay, computed from the staged lines
--		alone: usom is not asked.
--
--		Products live at one location each, so a product's stock is one number that
--		goes up and down line by line; below zero it is what customers wait for.
--		In the evening that is bought in.  What is written off but is not on the
--		shelf is counted in first.
--
\set ON_ERROR_STOP on
SET client_min_messages = warning;

CREATE UNLOGGED TABLE retail.expected (
	sku text PRIMARY KEY,
	opening integer NOT NULL,
	bought_in integer NOT NULL,
	counted_in integer NOT NULL,
	closing integer NOT NULL
);
COMMENT ON TABLE retail.expected IS 'Expected receipts and closing stock of each product of the span.';

CREATE FUNCTION retail.expect() RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	l record;
	e retail.expected;
	today date;
	here integer;
BEGIN
	FOR l IN
		SELECT sku, o.quantity AS opening, day, outcome,
			CASE WHEN outcome IN ('loss', 'found') THEN t.quantity ELSE -t.quantity END AS quantity
		FROM retail.line t JOIN retail.opening o USING (sku)
		WHERE t.played AND t.physical
		ORDER BY sku, seq, line_id
	LOOP
		IF e.sku IS DISTINCT FROM l.sku THEN
			IF e.sku IS NOT NULL THEN
				e.bought_in := e.bought_in + greatest(-here, 0);
				e.closing := greatest(here, 0);
				INSERT INTO retail.expected VALUES (e.*);
			END IF;
			e := (l.sku, l.opening, 0, 0, 0);
			here := l.opening;
		ELSIF l.day > today AND here < 0 THEN
			e.bought_in := e.bought_in - here;
			here := 0;
		END IF;
		today := l.day;
		IF l.outcome = 'loss' AND greatest(here, 0) < -l.quantity THEN
			e.counted_in := e.counted_in - l.quantity - greatest(here, 0);
			here := least(here, 0);
		ELSE
			here := here + l.quantity;
		END IF;
	END LOOP;
	e.bought_in := e.bought_in + greatest(-here, 0);
	e.closing := greatest(here, 0);
	INSERT INTO retail.expected VALUES (e.*);
END
$$;
COMMENT ON FUNCTION retail.expect IS 'Fills retail.expected.';
DO $$ BEGIN PERFORM retail.expect(); END $$;
