--
-- replay.sql
--		The driver: plays the documents of the span, in order, through the public
--		functions of usom, and nothing else.
--
--		A day: in the morning yesterday's shipments are delivered.  Then each
--		document as it comes: orders are placed, credits called off or taken back,
--		corrections booked.  In the evening what is backordered is bought in, and
--		the day's orders are released, picked, packed and shipped.
--
--		Every document is a transaction of its own, as it would be if its channel
--		sent it; so is each wave of deliveries, releases and shipments.
--
--		The shelves do run short.  The opening stock covers what the quantities of
--		the file add up to; goods written off in between come on top.
--
\set ON_ERROR_STOP on
SET client_min_messages = warning;

CREATE TABLE retail.placed (
	seq integer PRIMARY KEY,
	invoice_no text NOT NULL,
	day date NOT NULL,
	order_no text NOT NULL,
	lines integer NOT NULL,
	total numeric NOT NULL,
	quantity_reserved numeric NOT NULL,
	quantity_backordered numeric NOT NULL,
	ms numeric NOT NULL,
	statements integer NOT NULL,
	called_off boolean NOT NULL DEFAULT false
);
CREATE INDEX ON retail.placed (day, seq);
COMMENT ON TABLE retail.placed IS 'What place_order answered, how long it took and how many statements it ran.';

CREATE TABLE retail.shipped (
	day date NOT NULL,
	order_no text NOT NULL,
	shipment_no text PRIMARY KEY,
	delivered boolean NOT NULL DEFAULT false
);
CREATE INDEX ON retail.shipped (day) WHERE NOT delivered;
COMMENT ON TABLE retail.shipped IS 'Shipments, so that the next morning can deliver them.';

CREATE TABLE retail.refusal (
	seq integer NOT NULL,
	asked text NOT NULL,
	sqlstate text NOT NULL,
	message text NOT NULL,
	detail text,
	hint text,
	then_done text NOT NULL
);
COMMENT ON TABLE retail.refusal IS 'What usom refused, in its words, and what was done about it.';

CREATE TABLE retail.played (
	seq integer PRIMARY KEY,
	kind text NOT NULL
);
COMMENT ON TABLE retail.played IS
	'Documents other than orders that are done. Orders need no such note: usom knows their external id.';

CREATE TABLE retail.account (
	line_id integer PRIMARY KEY,
	outcome text NOT NULL,
	amount numeric NOT NULL
);
COMMENT ON TABLE retail.account IS
	'Lines that move neither goods nor orders: fees credited, bad debt, corrections of services.';

CREATE TABLE retail.receipt (
	seq integer NOT NULL,
	kind text NOT NULL CHECK (kind IN ('opening', 'bought in', 'counted in')),
	sku text NOT NULL,
	quantity integer NOT NULL
);
COMMENT ON TABLE retail.receipt IS
	'Goods taken in: opening stock, what the evenings bought in, what write-offs brought to light.';

CREATE TABLE retail.timing (
	verb text PRIMARY KEY,
	calls bigint NOT NULL DEFAULT 0,
	ms numeric NOT NULL DEFAULT 0
);
COMMENT ON TABLE retail.timing IS 'Calls of usom functions and the time they took together.';

CREATE TABLE retail.verified (
	until date PRIMARY KEY,
	problems bigint NOT NULL,
	ms numeric NOT NULL
);
COMMENT ON TABLE retail.verified IS 'What usom.verify() said after each month.';

CREATE FUNCTION retail.took(verb text, calls bigint, since timestamptz) RETURNS void
LANGUAGE sql
AS $$
	INSERT INTO retail.timing AS t VALUES (took.verb, took.calls, 1000 * extract(epoch FROM clock_timestamp() - since))
	ON CONFLICT ON CONSTRAINT timing_pkey DO UPDATE SET calls = t.calls + excluded.calls, ms = t.ms + excluded.ms;
$$;
COMMENT ON FUNCTION retail.took IS 'Adds calls that began at "since" and have just ended to retail.timing.';

--
-- Master data and opening stock.
--
CREATE PROCEDURE retail.set_up()
LANGUAGE plpgsql
AS $$
DECLARE
	since timestamptz;
BEGIN
	INSERT INTO usom.location (code, name, priority, ships_from) VALUES
		('MAIN', 'Main warehouse: SKUs from 20000 to 29999; what leaves is picked and packed', 1, 'packed'),
		('ANNEX', 'Annex: all other products; skips both steps', 2, 'released');
	INSERT INTO usom.product (sku, name, kind)
		SELECT sku, name, CASE WHEN physical THEN 'physical' ELSE 'service' END FROM retail.product ORDER BY sku;
	INSERT INTO usom.customer (code)
		SELECT DISTINCT customer FROM retail.document WHERE customer IS NOT NULL ORDER BY customer;
	INSERT INTO usom.customer_address (customer_id, country)
		SELECT usom.customer_id(customer), max(c.code)
		FROM retail.document d JOIN retail.country c ON c.name = d.country
		WHERE customer IS NOT NULL GROUP BY customer;
	since := clock_timestamp();
	PERFORM r.on_hand FROM retail.opening o
		JOIN retail.product p USING (sku),
		LATERAL usom.receive_stock(p.location, o.sku, o.quantity, reference => 'opening stock') r
		WHERE o.quantity > 0;
	INSERT INTO retail.receipt SELECT 0, 'opening', sku, quantity FROM retail.opening WHERE quantity > 0;
	PERFORM retail.took('receive_stock', (SELECT count(*) FROM retail.opening WHERE quantity > 0), since);
END
$$;
COMMENT ON PROCEDURE retail.set_up IS 'Locations, products, customers and the opening stock.';

--
-- The kinds of documents.
--
CREATE FUNCTION retail.play_order(p retail.payload) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	r record;
	since timestamptz := clock_timestamp();
	statements bigint := usom._statement_count();
	ms numeric;
	m text; d text; h text;
BEGIN
	SELECT * INTO r FROM usom.place_order(p.document);
	ms := 1000 * extract(epoch FROM clock_timestamp() - since);
	INSERT INTO retail.placed VALUES (p.seq, p.invoice_no, p.day, r.order_no, p.lines, r.total,
		r.quantity_reserved, r.quantity_backordered, ms, usom._statement_count() - statements);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
	INSERT INTO retail.refusal VALUES (p.seq, 'place_order', SQLSTATE, m, d, h, 'the document is not placed');
END
$$;
COMMENT ON FUNCTION retail.play_order IS 'Places an order and notes the answer.';

CREATE FUNCTION retail.fill(sku text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
	PERFORM count(*) FROM usom.fill_backorders(fill.sku);
END
$$;
COMMENT ON FUNCTION retail.fill IS 'Goods of a product came in: who waits for it is served first.';

CREATE FUNCTION retail.call_off(seq integer, invoice_no text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	t record;
	line record;
	now_is text;
	reason text := 'called off with ' || invoice_no;
	since timestamptz;
BEGIN
	FOR t IN
		SELECT k.sale_seq, o.order_no,
			sum(k.quantity) = (SELECT sum(l.quantity) FROM retail.line l WHERE l.seq = k.sale_seq) AS whole
		FROM retail.takeback k JOIN retail.placed o ON o.seq = k.sale_seq
		WHERE k.seq = call_off.seq AND k.unshipped
		GROUP BY k.sale_seq, o.order_no ORDER BY k.sale_seq
	LOOP
		since := clock_timestamp();
		IF t.whole THEN
			SELECT status INTO now_is FROM usom.cancel_order(t.order_no, reason);
			PERFORM retail.took('cancel_order', 1, since);
		ELSE
			FOR line IN
				SELECT k.line_no, k.quantity FROM retail.takeback k
				WHERE k.seq = call_off.seq AND k.unshipped AND k.sale_seq = t.sale_seq ORDER BY k.line_no
			LOOP
				since := clock_timestamp();
				SELECT status INTO now_is FROM usom.cancel_line(t.order_no, line.line_no, line.quantity, reason);
				PERFORM retail.took('cancel_line', 1, since);
			END LOOP;
		END IF;
		UPDATE retail.placed o SET called_off = true WHERE o.seq = t.sale_seq AND now_is = 'cancelled';
	END LOOP;
END
$$;
COMMENT ON FUNCTION retail.call_off IS 'The part of a credit whose order is not shipped yet: cancelled.';

CREATE FUNCTION retail.take_back(seq integer, invoice_no text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	t record;
	return_no text;
	since timestamptz;
BEGIN
	FOR t IN
		SELECT o.order_no,
			jsonb_agg(jsonb_build_object('line_no', k.line_no, 'quantity', k.quantity) ORDER BY k.line_no) AS lines
		FROM retail.takeback k JOIN retail.placed o ON o.seq = k.sale_seq
		WHERE k.seq = take_back.seq AND NOT k.unshipped
		GROUP BY k.sale_seq, o.order_no ORDER BY k.sale_seq
	LOOP
		since := clock_timestamp();
		return_no := usom.authorize_return(t.order_no, t.lines, 'taken back with ' || invoice_no);
		PERFORM retail.took('authorize_return', 1, since);
		since := clock_timestamp();
		PERFORM status FROM usom.receive_return(return_no, t.lines);
		PERFORM retail.took('receive_return', 1, since);
	END LOOP;
END
$$;
COMMENT ON FUNCTION retail.take_back IS 'The part of a credit whose order is shipped: returned.';

CREATE FUNCTION retail.location_of(sku text) RETURNS text
LANGUAGE sql
AS $$
	SELECT location FROM retail.product p WHERE p.sku = location_of.sku;
$$;
COMMENT ON FUNCTION retail.location_of IS 'Where a product is kept.';

CREATE FUNCTION retail.adjust(sku text, delta integer, reason text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	since timestamptz := clock_timestamp();
BEGIN
	PERFORM on_hand FROM usom.adjust_stock(retail.location_of(sku), sku, delta, reason);
	PERFORM retail.took('adjust_stock', 1, since);
END
$$;
COMMENT ON FUNCTION retail.adjust IS 'adjust_stock at the location of the product.';

CREATE FUNCTION retail.receive(seq integer, kind text, sku text, quantity integer, reference text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	since timestamptz := clock_timestamp();
BEGIN
	PERFORM on_hand FROM usom.receive_stock(retail.location_of(sku), sku, quantity, reference => receive.reference);
	PERFORM retail.took('receive_stock', 1, since);
	INSERT INTO retail.receipt VALUES (seq, kind, sku, quantity);
END
$$;
COMMENT ON FUNCTION retail.receive IS 'receive_stock at the location of the product.';

CREATE FUNCTION retail.play_credit(d retail.document) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
	PERFORM retail.call_off(d.seq, d.invoice_no);
	PERFORM retail.take_back(d.seq, d.invoice_no);
	PERFORM retail.adjust(sku, sum(-quantity - matched)::integer, 'goodwill ' || d.invoice_no || ', no sale found')
		FROM retail.line WHERE seq = d.seq AND physical AND -quantity > matched GROUP BY sku ORDER BY sku;
	PERFORM retail.fill(sku) FROM retail.line WHERE seq = d.seq AND physical GROUP BY sku ORDER BY sku;
	INSERT INTO retail.account SELECT line_id, outcome, (quantity + matched) * unit_price FROM retail.line
		WHERE seq = d.seq AND NOT physical AND matched < -quantity;
END
$$;
COMMENT ON FUNCTION retail.play_credit IS 'A C document: called off, taken back, goodwill, or an entry in the account.';

CREATE FUNCTION retail.write_off(seq integer, invoice_no text, sku text, quantity integer, reason text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	m text; d text; h text;
	missing integer;
BEGIN
	PERFORM retail.adjust(sku, -quantity, reason);
EXCEPTION WHEN SQLSTATE 'US201' THEN
	GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
	missing := quantity - usom.available(sku);
	INSERT INTO retail.refusal VALUES (seq, 'adjust_stock', SQLSTATE, m, d, h,
		'the pieces that no book knew are counted in, then written off');
	PERFORM retail.receive(seq, 'counted in', sku, missing, 'counted in for ' || invoice_no);
	PERFORM retail.adjust(sku, -quantity, reason);
END
$$;
COMMENT ON FUNCTION retail.write_off IS 'Writes goods off; what is broken but was never on the books is counted in first.';

CREATE FUNCTION retail.play_correction(d retail.document) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	l record;
	why text;
BEGIN
	SELECT line_id, sku, quantity, outcome, reason INTO STRICT l FROM retail.line WHERE seq = d.seq;
	why := coalesce(l.reason, 'no reason given') || ' (' || d.invoice_no || ')';
	IF l.outcome = 'loss' THEN
		PERFORM retail.write_off(d.seq, d.invoice_no, l.sku, -l.quantity, why);
	ELSIF l.outcome = 'found' THEN
		PERFORM retail.adjust(l.sku, l.quantity, why);
		PERFORM retail.fill(l.sku);
	ELSE
		INSERT INTO retail.account VALUES (l.line_id, l.outcome, 0);
	END IF;
END
$$;
COMMENT ON FUNCTION retail.play_correction IS 'A correction of stock: one line, no price.';

CREATE FUNCTION retail.play_other(d retail.document) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
	INSERT INTO retail.played VALUES (d.seq, d.kind) ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	CASE d.kind
		WHEN 'credit' THEN PERFORM retail.play_credit(d);
		WHEN 'correction' THEN PERFORM retail.play_correction(d);
		ELSE INSERT INTO retail.account SELECT line_id, outcome, quantity * unit_price FROM retail.line WHERE seq = d.seq;
	END CASE;
	RETURN true;
END
$$;
COMMENT ON FUNCTION retail.play_other IS 'Plays a document that is no order; false if it was played before.';

--
-- The day around them.
--
CREATE FUNCTION retail.deliver(today date) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	since timestamptz := clock_timestamp();
	n bigint;
BEGIN
	SELECT count(*) INTO n
		FROM (SELECT shipment_no FROM retail.shipped WHERE NOT delivered AND day < today ORDER BY shipment_no) s,
		LATERAL usom.deliver(s.shipment_no);
	UPDATE retail.shipped SET delivered = true WHERE NOT delivered AND day < today;
	PERFORM retail.took('deliver', n, since);
END
$$;
COMMENT ON FUNCTION retail.deliver IS 'Delivers what was shipped before today.';

CREATE FUNCTION retail.buy_in(today date, seq integer) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	short record;
	since timestamptz;
BEGIN
	FOR short IN
		SELECT b.sku, sum(b.quantity)::integer AS quantity FROM usom.backorders b GROUP BY b.sku ORDER BY b.sku
	LOOP
		PERFORM retail.receive(seq, 'bought in', short.sku, short.quantity, 'PO-' || today);
	END LOOP;
	since := clock_timestamp();
	PERFORM count(*) FROM usom.fill_backorders();
	PERFORM retail.took('fill_backorders', 1, since);
END
$$;
COMMENT ON FUNCTION retail.buy_in IS 'Receives what is backordered and fills the backorders.';

CREATE FUNCTION retail.release(today date) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	since timestamptz := clock_timestamp();
	n bigint;
BEGIN
	SELECT count(*) INTO n
		FROM (SELECT order_no FROM retail.placed WHERE day = today AND NOT called_off ORDER BY seq) p,
		LATERAL usom.release_order(p.order_no);
	PERFORM retail.took('release_order', n, since);
END
$$;
COMMENT ON FUNCTION retail.release IS 'Releases the orders of the day.';

-- The first of a month goes by wave, cart and scan, task by task; the other days by order.
CREATE FUNCTION retail.pick(today date) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	since timestamptz := clock_timestamp();
	n bigint;
BEGIN
	IF extract(day FROM today) = 1 THEN
		PERFORM w.wave FROM usom.plan_wave('MAIN') w;
		PERFORM retail.took('plan_wave', 1, since);
		LOOP
			since := clock_timestamp();
			SELECT count(*) INTO n
				FROM (SELECT t.task, t.sku FROM usom.claim_picks('MAIN', 'picker 1', 100) t) t, LATERAL usom.confirm_pick(t.task, sku => t.sku);
			EXIT WHEN n = 0;
			PERFORM retail.took('claim_picks and confirm_pick', n, since);
		END LOOP;
	ELSE
		SELECT count(*) INTO n
			FROM (SELECT o.order_no FROM retail.placed o WHERE o.day = today AND NOT o.called_off AND retail.goods_at_main(o.order_no) ORDER BY o.seq) p,
			LATERAL usom.pick(p.order_no, location => 'MAIN');
		PERFORM retail.took('pick', n, since);
	END IF;
END
$$;
COMMENT ON FUNCTION retail.pick IS 'Picks what is released in the main warehouse.';

CREATE FUNCTION retail.goods_at_main(order_no text) RETURNS boolean
LANGUAGE sql STABLE
AS $$
	SELECT EXISTS (SELECT FROM usom.order_pieces f WHERE f.order_no = goods_at_main.order_no AND f.location = 'MAIN' AND f.status IN ('released', 'picked'))
$$;
COMMENT ON FUNCTION retail.goods_at_main IS 'Is something of the order to be picked or packed in the main warehouse?';

CREATE FUNCTION retail.pack(today date) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	since timestamptz := clock_timestamp();
	n bigint;
BEGIN
	SELECT count(*) INTO n
		FROM (SELECT o.order_no FROM retail.placed o WHERE o.day = today AND NOT o.called_off AND retail.goods_at_main(o.order_no) ORDER BY o.seq) p,
		LATERAL usom.pack(p.order_no, location => 'MAIN') package_no;
	PERFORM retail.took('pack', n, since);
END
$$;
COMMENT ON FUNCTION retail.pack IS 'Packs it, a package an order.';

CREATE FUNCTION retail.ship(today date) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
	since timestamptz := clock_timestamp();
	n bigint;
BEGIN
	INSERT INTO retail.shipped (day, order_no, shipment_no)
		SELECT today, p.order_no, shipment_no
		FROM (
			SELECT o.order_no, CASE WHEN country = 'United Kingdom' THEN 'Royal Mail' ELSE 'DHL' END AS carrier
			FROM retail.placed o JOIN retail.document USING (seq)
			WHERE o.day = today AND NOT o.called_off ORDER BY o.seq
		) p, LATERAL string_to_table(usom.ship(p.order_no, carrier => p.carrier), ', ') shipment_no;
	SELECT count(*) INTO n FROM retail.placed WHERE day = today AND NOT called_off;
	PERFORM retail.took('ship', n, since);
END
$$;
COMMENT ON FUNCTION retail.ship IS 'Ships the orders of the day, one shipment a location.';

CREATE PROCEDURE retail.verify(until date)
LANGUAGE plpgsql
AS $$
DECLARE
	since timestamptz := clock_timestamp();
	n bigint;
BEGIN
	SELECT count(*) INTO n FROM usom.verify();
	INSERT INTO retail.verified VALUES (until, n, 1000 * extract(epoch FROM clock_timestamp() - since));
END
$$;
COMMENT ON PROCEDURE retail.verify IS 'Asks usom.verify() and keeps the answer.';

CREATE PROCEDURE retail.replay()
LANGUAGE plpgsql
AS $$
DECLARE
	d date;
	last date;
	doc record;
	done integer := 0;
	total integer := (SELECT count(*) FROM retail.document WHERE played);
	orders integer := 0;
	began timestamptz := clock_timestamp();
	told timestamptz := clock_timestamp();
BEGIN
	-- A crash of the server may cost the last moments of a demo.
	SET synchronous_commit = off;
	FOR d IN SELECT DISTINCT day FROM retail.document WHERE played ORDER BY day LOOP
		IF date_trunc('month', d) > date_trunc('month', last) THEN
			CALL retail.verify(date_trunc('month', d)::date);
		END IF;
		PERFORM retail.deliver(d);
		COMMIT;
		FOR doc IN
			SELECT t AS document, p AS payload FROM retail.document t LEFT JOIN retail.payload p USING (seq)
			WHERE t.day = d ORDER BY t.seq
		LOOP
			IF (doc.document).kind = 'order' THEN
				PERFORM retail.play_order(doc.payload);
				orders := orders + 1;
			ELSE
				PERFORM retail.play_other(doc.document);
			END IF;
			COMMIT;
			done := done + 1;
			IF clock_timestamp() > told + interval '2 s' THEN
				told := clock_timestamp();
				RAISE NOTICE '%  % of % documents  % orders a second',
					d, to_char(done, 'FM99,999'), to_char(total, 'FM99,999'), round(orders / extract(epoch FROM told - began));
			END IF;
		END LOOP;
		PERFORM retail.buy_in(d, (doc.document).seq);
		COMMIT;
		PERFORM retail.release(d);
		COMMIT;
		PERFORM retail.pick(d);
		COMMIT;
		PERFORM retail.pack(d);
		COMMIT;
		PERFORM retail.ship(d);
		COMMIT;
		last := d;
	END LOOP;
	CALL retail.verify(last + 1);
	PERFORM retail.took('whole replay', total, began);
END
$$;
COMMENT ON PROCEDURE retail.replay IS 'Plays the span. Commits after each document.';

--
-- The same documents once more.
--
CREATE TABLE retail.again (
	kind text NOT NULL,
	answer text NOT NULL,
	documents bigint NOT NULL
);
COMMENT ON TABLE retail.again IS 'What the second replay was answered.';

CREATE PROCEDURE retail.replay_again()
LANGUAGE plpgsql
AS $$
DECLARE
	d date;
BEGIN
	FOR d IN SELECT DISTINCT day FROM retail.document WHERE played ORDER BY day LOOP
		INSERT INTO retail.again
			SELECT 'order', outcome, count(*)
			FROM usom.place_orders((SELECT jsonb_agg(document ORDER BY seq) FROM retail.payload WHERE day = d))
			GROUP BY outcome;
		INSERT INTO retail.again
			SELECT kind, CASE WHEN retail.play_other(t) THEN 'played' ELSE 'repeated' END, 1
			FROM retail.document t WHERE day = d AND kind <> 'order';
		COMMIT;
	END LOOP;
END
$$;
COMMENT ON PROCEDURE retail.replay_again IS 'Sends every document of the span a second time, the orders of a day as one batch.';

CREATE FUNCTION retail.fingerprint() RETURNS TABLE (relation text, rows bigint, digest bigint)
LANGUAGE plpgsql
AS $$
BEGIN
	FOR relation IN
		SELECT c.relname FROM pg_class c
		WHERE c.relnamespace = 'usom'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname
	LOOP
		EXECUTE format('SELECT count(*), bit_xor(hashtextextended(t::text, 0)) FROM usom.%I t', relation) INTO rows, digest;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION retail.fingerprint IS 'Rows and a digest of every table of usom.';
