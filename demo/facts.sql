--
-- facts.sql
--		The figures of the file, which the staged lines must show to the last
--		digit.  Holds before the replay begins and whatever its span.
--
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 2;
SET work_mem = '256MB';

CREATE TABLE retail.fact (
	ordinal integer GENERATED ALWAYS AS IDENTITY,
	what text NOT NULL,
	expected text,
	found text
);
COMMENT ON TABLE retail.fact IS 'Facts that must hold, and what was found.';

CREATE FUNCTION retail.fact(what text, expected numeric, found numeric) RETURNS void
LANGUAGE sql
AS $$
	INSERT INTO retail.fact (what, expected, found) VALUES (what, trim_scale(expected), trim_scale(found));
$$;
COMMENT ON FUNCTION retail.fact(text, numeric, numeric) IS 'Notes a fact.';

CREATE FUNCTION retail.tell_facts(since integer DEFAULT 0) RETURNS SETOF text
LANGUAGE sql
AS $$
	SELECT CASE WHEN expected IS NOT DISTINCT FROM found THEN format('ok - %s: %s', what, found)
			ELSE format('not ok - %s: expected %s, found %s', what, expected, coalesce(found, 'nothing')) END
	FROM retail.fact WHERE ordinal > since ORDER BY ordinal;
$$;
COMMENT ON FUNCTION retail.tell_facts IS 'One line a fact, "ok" or "not ok".';

CREATE PROCEDURE retail.insist()
LANGUAGE plpgsql
AS $$
DECLARE
	n integer := (SELECT count(*) FROM retail.fact f WHERE f.expected IS DISTINCT FROM f.found);
BEGIN
	IF n > 0 THEN
		RAISE EXCEPTION '% of % facts do not hold', n, (SELECT count(*) FROM retail.fact);
	END IF;
END
$$;
COMMENT ON PROCEDURE retail.insist IS 'Fails unless all facts hold.';

DO $$
DECLARE
	s record;
BEGIN
	SELECT count(*) AS lines, sum(quantity) AS pieces, sum(quantity * unit_price) AS value,
		count(*) FILTER (WHERE customer_id IS NULL) AS guests,
		count(*) FILTER (WHERE unit_price = 0) AS unpriced,
		count(*) FILTER (WHERE quantity < 0 AND invoice_no !~ '^C') AS corrections,
		count(*) FILTER (WHERE scale(trim_scale(unit_price)) > 2) AS fine_prices
	INTO s FROM retail.source;
	PERFORM retail.fact('lines of the file', 541909, s.lines);
	PERFORM retail.fact('pieces, every line kind added up', 5176450, s.pieces);
	PERFORM retail.fact('value, every line kind added up', 9747747.934, s.value);
	PERFORM retail.fact('lines of guests', 135080, s.guests);
	PERFORM retail.fact('lines at price 0', 2515, s.unpriced);
	PERFORM retail.fact('negative lines outside C documents', 1336, s.corrections);
	PERFORM retail.fact('lines priced with three decimals', 4, s.fine_prices);
	PERFORM retail.fact('lines that repeat another exactly', 5268,
		(SELECT sum(n - 1) FROM (
			SELECT count(*) AS n FROM retail.source
			GROUP BY invoice_no, stock_code, description, quantity, invoice_date, unit_price, customer_id, country) x));

	SELECT count(*) FILTER (WHERE invoice_no ~ '^[0-9]') AS numeric, count(*) FILTER (WHERE invoice_no ~ '^C') AS c,
		count(*) FILTER (WHERE invoice_no ~ '^A') AS a
	INTO s FROM retail.document;
	PERFORM retail.fact('numeric documents', 22061, s.numeric);
	PERFORM retail.fact('C documents', 3836, s.c);
	PERFORM retail.fact('A documents', 3, s.a);

	-- Clean sales; per document and SKU first, then the distinct counts are cheap.
	WITH clean AS (
		SELECT seq, sku, physical, count(*) AS lines, sum(quantity) AS pieces, sum(quantity * unit_price) AS value
		FROM retail.line WHERE kind IN ('order', 'correction') AND quantity > 0 AND unit_price > 0
		GROUP BY seq, sku, physical
	)
	SELECT sum(lines) AS lines, count(DISTINCT seq) AS invoices, sum(pieces) AS pieces, sum(value) AS value,
		sum(lines) FILTER (WHERE physical) AS p_lines, count(DISTINCT sku) FILTER (WHERE physical) AS p_skus,
		count(DISTINCT seq) FILTER (WHERE physical) AS p_invoices, sum(pieces) FILTER (WHERE physical) AS p_pieces,
		sum(value) FILTER (WHERE physical) AS p_value
	INTO s FROM clean;
	PERFORM retail.fact('clean sales: lines', 530103, s.lines);
	PERFORM retail.fact('clean sales: invoices', 19959, s.invoices);
	PERFORM retail.fact('clean sales: pieces', 5588375, s.pieces);
	PERFORM retail.fact('clean sales: value', 10655622.484, s.value);
	PERFORM retail.fact('clean sales of physical products: lines', 527725, s.p_lines);
	PERFORM retail.fact('clean sales of physical products: SKUs', 3791, s.p_skus);
	PERFORM retail.fact('clean sales of physical products: invoices', 19773, s.p_invoices);
	PERFORM retail.fact('clean sales of physical products: pieces', 5576996, s.p_pieces);
	PERFORM retail.fact('clean sales of physical products: value', 10271034.61, s.p_value);

	SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY lines) AS p50,
		percentile_disc(0.99) WITHIN GROUP (ORDER BY lines) AS p99, max(lines) AS most
	INTO s FROM retail.document WHERE invoice_no ~ '^[0-9]';
	PERFORM retail.fact('lines of a numeric document: median', 13, s.p50);
	PERFORM retail.fact('lines of a numeric document: 99 of 100 have at most', 211, s.p99);
	PERFORM retail.fact('lines of a numeric document: largest', 1114, s.most);

	PERFORM retail.fact('SKU codes that differ in case only', 112,
		(SELECT count(*) - count(DISTINCT upper(stock_code)) FROM (SELECT DISTINCT stock_code FROM retail.source) x));
	PERFORM retail.fact('documents with a SKU on more than one line', 2864,
		(SELECT count(DISTINCT seq) FROM (SELECT seq FROM retail.line GROUP BY seq, sku HAVING count(*) > 1) x));
	PERFORM retail.fact('documents whose minute rolls over', 43,
		(SELECT count(*) FROM (
			SELECT FROM retail.source GROUP BY invoice_no HAVING min(invoice_date) < max(invoice_date)) x));

	SELECT count(*) FILTER (WHERE customer IS NULL) AS guests,
		count(*) FILTER (WHERE customer IS NOT NULL AND matched = -quantity) AS whole,
		count(*) FILTER (WHERE customer IS NOT NULL AND matched BETWEEN 1 AND -quantity - 1) AS part,
		count(*) FILTER (WHERE customer IS NOT NULL AND matched = 0) AS none
	INTO s FROM retail.line WHERE kind = 'credit';
	PERFORM retail.fact('credit lines covered by earlier sales', 7516, s.whole);
	PERFORM retail.fact('credit lines covered for a part', 54, s.part);
	PERFORM retail.fact('credit lines without an earlier sale', 1335, s.none);
	PERFORM retail.fact('credit lines without a customer', 383, s.guests);

	SELECT sum(quantity_of_year) AS pieces, count(*) AS skus INTO s FROM retail.opening;
	PERFORM retail.fact('opening stock of the year: pieces', 5448579, s.pieces);
	PERFORM retail.fact('opening stock of the year: SKUs', 3926, s.skus);

	SELECT count(*) AS lines, sum(quantity) AS pieces, sum(quantity * unit_price) AS value
	INTO s FROM retail.line JOIN retail.outcome o ON o.code = line.outcome;
	PERFORM retail.fact('outcomes: lines', 541909, s.lines);
	PERFORM retail.fact('outcomes: pieces', 5176450, s.pieces);
	PERFORM retail.fact('outcomes: value', 9747747.934, s.value);
END
$$;
