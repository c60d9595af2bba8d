--
-- load.sql
--		The Online Retail year, staged and classified in schema retail.
--
--		psql -v until=2011-01-01 -f load.sql, with the unpacked csv on standard
--		input.  All lines are loaded and classified whatever the span; documents
--		before "until" are the span that replay.sql plays.
--
--		Every source line ends in exactly one outcome (table retail.outcome says
--		in words what is done with it); the counts sum to the lines of the file.
--
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET search_path = pg_catalog;
SET timezone = 'Europe/London';
SET work_mem = '256MB';
SET max_parallel_workers_per_gather = 2;

CREATE SCHEMA retail;
COMMENT ON SCHEMA retail IS 'Staging and driver of the demo. usom does not know of it.';

CREATE UNLOGGED TABLE retail.source (
	line_id integer GENERATED ALWAYS AS IDENTITY,
	invoice_no text COLLATE "C" NOT NULL,
	stock_code text COLLATE "C" NOT NULL,
	description text COLLATE "C",
	quantity integer NOT NULL,
	invoice_date timestamp NOT NULL,
	unit_price numeric NOT NULL,
	customer_id text COLLATE "C",
	country text COLLATE "C" NOT NULL
);
COMMENT ON TABLE retail.source IS 'The file as it is, in its order.';

\copy retail.source (invoice_no, stock_code, description, quantity, invoice_date, unit_price, customer_id, country) FROM pstdin WITH (FORMAT csv, HEADER)
ANALYZE retail.source;

CREATE TABLE retail.span (first_day date NOT NULL, until date NOT NULL);
COMMENT ON TABLE retail.span IS 'One row: the days that are replayed, the last one not included.';
INSERT INTO retail.span SELECT min(invoice_date)::date, :'until' FROM retail.source;

CREATE TABLE retail.country (name text COLLATE "C" PRIMARY KEY, code text);
COMMENT ON TABLE retail.country IS 'ISO 3166 code of a country as the file spells it; null where the file names none.';
INSERT INTO retail.country VALUES
	('Australia', 'AU'), ('Austria', 'AT'), ('Bahrain', 'BH'), ('Belgium', 'BE'), ('Brazil', 'BR'), ('Canada', 'CA'),
	('Channel Islands', 'JE'), ('Cyprus', 'CY'), ('Czech Republic', 'CZ'), ('Denmark', 'DK'), ('EIRE', 'IE'),
	('European Community', NULL), ('Finland', 'FI'), ('France', 'FR'), ('Germany', 'DE'), ('Greece', 'GR'),
	('Hong Kong', 'HK'), ('Iceland', 'IS'), ('Israel', 'IL'), ('Italy', 'IT'), ('Japan', 'JP'), ('Lebanon', 'LB'),
	('Lithuania', 'LT'), ('Malta', 'MT'), ('Netherlands', 'NL'), ('Norway', 'NO'), ('Poland', 'PL'), ('Portugal', 'PT'),
	('RSA', 'ZA'), ('Saudi Arabia', 'SA'), ('Singapore', 'SG'), ('Spain', 'ES'), ('Sweden', 'SE'), ('Switzerland', 'CH'),
	('USA', 'US'), ('United Arab Emirates', 'AE'), ('United Kingdom', 'GB'), ('Unspecified', NULL);

--
-- Documents.  A document has one time, its first line's: the minute rolls over
-- inside 43 of them.  They are played in order of time and number.
--
-- What a document is:
--		order		a numeric one that sells something, at a price or given away
--		correction	a numeric one whose single line moves stock and charges nobody:
--					negative (damaged, lost, thrown away), or a guest's at price 0 (found)
--		credit		C: goods come back, or an order is called off, or a fee is refunded
--		bad debt	A
--
-- The channel is not in the file.  It is told from the document, always the same way.
--
CREATE UNLOGGED TABLE retail.document AS
WITH head AS (
	SELECT invoice_no, min(invoice_date) AS at, min(line_id) AS first_line_id, count(*) AS lines,
		min(customer_id) AS customer, min(country) AS country,
		min(quantity) AS least, max(unit_price) AS dearest, sum(quantity) AS pieces,
		bool_or(stock_code ~ '^[0-9]{5}') AS physical, bool_or(stock_code = 'DOT') AS dotcom
	FROM retail.source
	GROUP BY invoice_no
), told AS (
	SELECT *,
		CASE WHEN invoice_no ~ '^C' THEN 'credit'
			WHEN invoice_no ~ '^A' THEN 'bad debt'
			WHEN least < 0 OR (lines = 1 AND dearest = 0 AND customer IS NULL) THEN 'correction'
			ELSE 'order'
		END AS kind
	FROM head
)
SELECT row_number() OVER (ORDER BY at, invoice_no)::integer AS seq, invoice_no, kind, at, at::date AS day,
	at::date < :'until' AS played, lines::integer, pieces, customer, country,
	CASE WHEN kind <> 'order' THEN NULL
		WHEN NOT physical THEN 'manual'
		WHEN country <> 'United Kingdom' AND pieces < 1000 THEN 'marketplace'
		WHEN customer IS NULL AND dotcom THEN 'web'
		WHEN customer IS NULL AND lines <= 3 THEN 'pos'
		WHEN customer IS NULL THEN 'phone'
		WHEN pieces >= 1000 THEN 'edi'
		WHEN pieces >= 300 THEN 'rep'
		WHEN customer::integer % 4 = 0 THEN 'phone'
		ELSE 'web'
	END AS channel
FROM told;
ALTER TABLE retail.document ADD PRIMARY KEY (invoice_no);
CREATE INDEX ON retail.document (day, seq);
COMMENT ON TABLE retail.document IS 'One row per document: what it is, when it is played, by which channel it comes.';
ANALYZE retail.document;

--
-- Lines.  112 codes differ in case only, so SKUs are upper-cased; a code that
-- begins with five digits is a physical product, everything else a service.
--
CREATE UNLOGGED TABLE retail.line_staged AS
SELECT s.line_id, d.seq, d.day, d.played,
	row_number() OVER (PARTITION BY d.seq ORDER BY s.line_id)::integer AS line_no,
	d.kind, upper(s.stock_code) AS sku, s.stock_code ~ '^[0-9]{5}' AS physical,
	s.quantity, s.unit_price, d.customer,
	CASE WHEN d.kind = 'correction' THEN s.description END AS reason
FROM retail.source s
JOIN retail.document d USING (invoice_no);
ANALYZE retail.line_staged;

CREATE UNLOGGED TABLE retail.product AS
SELECT DISTINCT ON (sku) sku, description AS name, physical,
	CASE WHEN physical THEN CASE WHEN sku ~ '^2' THEN 'MAIN' ELSE 'ANNEX' END END AS location
FROM (
	SELECT upper(stock_code) AS sku, stock_code ~ '^[0-9]{5}' AS physical, description, unit_price > 0 AS sold,
		count(*) AS times
	FROM retail.source
	WHERE invoice_no !~ '^A'
	GROUP BY 1, 2, 3, 4
) named
ORDER BY sku, (sold AND description IS NOT NULL) DESC, times DESC, description;
ALTER TABLE retail.product ADD PRIMARY KEY (sku);
COMMENT ON TABLE retail.product IS
	'Products, named as they are most often. SKUs from 20000 to 29999 are in the main warehouse, all others in the annex.';
ANALYZE retail.product;

--
-- Which sale a credit line takes back.  The file has no link: it is an earlier
-- sale of that SKU to the same customer with units left, one at the same price
-- before others, then the latest before earlier ones.
--
CREATE UNLOGGED TABLE retail.match (
	line_id integer NOT NULL,
	sale_line_id integer NOT NULL,
	quantity integer NOT NULL,
	PRIMARY KEY (line_id, sale_line_id)
);
COMMENT ON TABLE retail.match IS 'Units of a credit line and the sale line that they take back.';

CREATE FUNCTION retail.match_credits() RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	l record;
	this text;
	sold integer[];			-- sale lines of this customer and SKU so far
	price numeric[];
	units integer[];		-- what is left of them
	n integer := 0;
	due integer;
	take integer;
BEGIN
	FOR l IN
		SELECT concat_ws('/', customer, sku) AS key, kind, line_id, quantity, unit_price
		FROM retail.line_staged
		JOIN (SELECT DISTINCT customer, sku FROM retail.line_staged WHERE kind = 'credit') c USING (customer, sku)
		WHERE kind = 'credit' OR (kind = 'order' AND unit_price > 0)
		ORDER BY key, seq, line_id
	LOOP
		IF l.key IS DISTINCT FROM this THEN
			this := l.key;
			n := 0;
		END IF;
		IF l.kind = 'order' THEN
			n := n + 1;
			sold[n] := l.line_id;
			price[n] := l.unit_price;
			units[n] := l.quantity;
			CONTINUE;
		END IF;
		due := -l.quantity;
		FOR same_price IN REVERSE 1 .. 0 LOOP
			FOR i IN REVERSE n .. 1 LOOP
				EXIT WHEN due = 0;
				CONTINUE WHEN units[i] = 0 OR (price[i] = l.unit_price) <> (same_price = 1);
				take := least(due, units[i]);
				INSERT INTO retail.match VALUES (l.line_id, sold[i], take);
				due := due - take;
				units[i] := units[i] - take;
			END LOOP;
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION retail.match_credits() IS 'Fills retail.match.';
DO $$ BEGIN PERFORM retail.match_credits(); END $$;
ANALYZE retail.match;

--
-- Outcomes.
--
CREATE TABLE retail.outcome (
	ordinal integer PRIMARY KEY,
	code text NOT NULL UNIQUE,
	meaning text NOT NULL
);
COMMENT ON TABLE retail.outcome IS 'What becomes of a source line.';
INSERT INTO retail.outcome VALUES
	(1, 'sale', 'product sold: a line of place_order'),
	(2, 'service', 'postage, carriage, fee or voucher sold: a line of place_order'),
	(3, 'free', 'given away with an order at price 0: a line of place_order'),
	(4, 'cancelled', 'called off before it was shipped: cancel_line or cancel_order'),
	(5, 'returned', 'came back, sale found: authorize_return and receive_return'),
	(6, 'partly', 'came back, sale found for a part: that part returned, the rest as goodwill'),
	(7, 'goodwill', 'came back, customer known, no earlier sale: adjust_stock, goodwill receipt'),
	(8, 'guest', 'came back from a guest, no sale to be found: adjust_stock, goodwill receipt'),
	(9, 'credit', 'fee or discount credited without a sale of it: entry in retail.account'),
	(10, 'loss', 'damaged, lost, thrown away: adjust_stock downwards'),
	(11, 'found', 'found or re-coded: adjust_stock upwards'),
	(12, 'no stock', 'correction of a service, which has no stock: entry in retail.account'),
	(13, 'bad debt', 'bad debt adjusted (A document): entry in retail.account');

CREATE UNLOGGED TABLE retail.line AS
SELECT l.*, coalesce(m.quantity, 0) AS matched,
	CASE l.kind
		WHEN 'order' THEN
			CASE WHEN l.unit_price = 0 THEN 'free' WHEN l.physical THEN 'sale' ELSE 'service' END
		WHEN 'credit' THEN
			CASE WHEN m.quantity = -l.quantity AND m.unshipped THEN 'cancelled'
				WHEN m.quantity = -l.quantity THEN 'returned'
				WHEN m.quantity > 0 THEN 'partly'
				WHEN NOT l.physical THEN 'credit'
				WHEN l.customer IS NULL THEN 'guest'
				ELSE 'goodwill'
			END
		WHEN 'correction' THEN
			CASE WHEN NOT l.physical THEN 'no stock' WHEN l.quantity < 0 THEN 'loss' ELSE 'found' END
		ELSE 'bad debt'
	END AS outcome
FROM retail.line_staged l
LEFT JOIN (
	SELECT m1.line_id, sum(m1.quantity)::integer AS quantity, bool_and(s.day = c.day) AS unshipped
	FROM retail.match m1
	JOIN retail.line_staged c USING (line_id)
	JOIN retail.line_staged s ON s.line_id = m1.sale_line_id
	GROUP BY m1.line_id
) m USING (line_id);
DROP TABLE retail.line_staged;
ALTER TABLE retail.line ADD PRIMARY KEY (line_id);
CREATE INDEX ON retail.line (seq, line_no);
ALTER TABLE retail.line ADD FOREIGN KEY (outcome) REFERENCES retail.outcome (code);
COMMENT ON TABLE retail.line IS 'One row per source line: its document''s place in time, what it is, and its outcome.';
COMMENT ON COLUMN retail.line.matched IS 'Units of a credit line for which a sale was found.';
ANALYZE retail.line;

--
-- What is sent: the document of each order in the span, as its channel would send it.
--
CREATE UNLOGGED TABLE retail.payload AS
SELECT d.seq, d.day, d.invoice_no, d.lines,
	jsonb_strip_nulls(jsonb_build_object(
		'channel', d.channel,
		'external_id', d.invoice_no,
		'customer', d.customer,
		'currency', 'GBP',
		'placed_at', d.at AT TIME ZONE 'Europe/London',
		'ship_to', CASE WHEN c.code IS NOT NULL THEN jsonb_build_object('country', c.code) END))
		|| jsonb_build_object('lines', l.lines) AS document
FROM retail.document d
JOIN retail.country c ON c.name = d.country
JOIN (
	-- As text first: twice as fast as jsonb_build_object() for half a million lines.
	SELECT seq, ('[' || string_agg(
		'{"sku":' || to_json(sku) || ',"quantity":' || quantity || ',"unit_price":' || unit_price || '}',
		',' ORDER BY line_no) || ']')::jsonb AS lines
	FROM retail.line
	WHERE kind = 'order' AND played
	GROUP BY seq
) l USING (seq);
ALTER TABLE retail.payload ADD PRIMARY KEY (seq);
CREATE INDEX ON retail.payload (day, seq);
COMMENT ON TABLE retail.payload IS 'Order documents as place_order takes them.';

--
-- Credits by the order that they take back: what is called off (same day,
-- before the evening's shipping) and what comes back later.
--
CREATE UNLOGGED TABLE retail.takeback AS
SELECT c.seq, s.seq AS sale_seq, s.day = c.day AS unshipped, s.line_no, sum(m.quantity)::integer AS quantity
FROM retail.match m
JOIN retail.line c USING (line_id)
JOIN retail.line s ON s.line_id = m.sale_line_id
GROUP BY 1, 2, 3, 4;
CREATE INDEX ON retail.takeback (seq);
COMMENT ON TABLE retail.takeback IS 'Per credit document and order line: units cancelled or returned.';

--
-- Opening stock: the smallest with which no product goes below zero when the
-- lines of the span are taken by the sign of their quantity, in order.
--
CREATE UNLOGGED TABLE retail.opening AS
SELECT sku, greatest(0, max(needed) FILTER (WHERE played))::integer AS quantity,
	greatest(0, max(needed))::integer AS quantity_of_year, bool_or(played) AS played
FROM (
	SELECT sku, played, sum(quantity) OVER (PARTITION BY sku ORDER BY seq, line_id ROWS UNBOUNDED PRECEDING) AS needed
	FROM retail.line
	WHERE physical
) flow
GROUP BY sku;
ALTER TABLE retail.opening ADD PRIMARY KEY (sku);
COMMENT ON TABLE retail.opening IS 'Opening stock of the physical products, for the span and for the whole year.';
ANALYZE retail.opening;
