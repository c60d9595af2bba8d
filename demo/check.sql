--
-- check.sql
--		After the replay: what usom holds is what the staged lines say, and the same
--		documents once more change nothing.  Fails at the end if a fact does not hold.
--
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET work_mem = '128MB';

DO $$
DECLARE
	s record;
	u record;
	v record;
BEGIN
	-- Documents and orders.
	SELECT count(*) FILTER (WHERE kind = 'order') AS orders, count(*) FILTER (WHERE kind <> 'order') AS others
	INTO s FROM retail.document WHERE played;
	PERFORM retail.fact('orders placed', s.orders, (SELECT count(*) FROM retail.placed));
	PERFORM retail.fact('orders refused', 0, (SELECT count(*) FROM retail.refusal WHERE asked = 'place_order'));
	PERFORM retail.fact('orders that usom shows', s.orders, (SELECT count(*) FROM usom.orders));
	PERFORM retail.fact('other documents played', s.others, (SELECT count(*) FROM retail.played));

	-- Lines: one order line for each source line that is one, at its place, with its figures.
	SELECT count(*) AS lines, sum(quantity) AS pieces, sum(quantity * unit_price) AS value
	INTO s FROM retail.line WHERE kind = 'order' AND played;
	SELECT count(*) AS lines, sum(quantity) AS pieces, sum(quantity * unit_price) AS value,
		sum(quantity_cancelled) AS cancelled, sum(quantity_returned) AS returned,
		sum(quantity_delivered) + sum(quantity_shipped) AS gone
	INTO u FROM usom.order_lines;
	PERFORM retail.fact('order lines', s.lines, u.lines);
	PERFORM retail.fact('pieces ordered', s.pieces, u.pieces);
	PERFORM retail.fact('value ordered', s.value, u.value);
	PERFORM retail.fact('order lines that differ from their source line', 0, (
		SELECT count(*)
		FROM (SELECT * FROM retail.line WHERE kind = 'order' AND played) l
		LEFT JOIN retail.placed p USING (seq)
		LEFT JOIN usom.order_lines o ON o.order_no = p.order_no AND o.line_no = l.line_no
		WHERE (o.sku, o.quantity, o.unit_price) IS DISTINCT FROM (l.sku, l.quantity, l.unit_price)));
	SELECT coalesce(sum(t.quantity) FILTER (WHERE unshipped), 0) AS off,
		coalesce(sum(t.quantity) FILTER (WHERE NOT unshipped), 0) AS back
	INTO v FROM retail.takeback t JOIN retail.document d USING (seq) WHERE d.played;
	PERFORM retail.fact('pieces cancelled', v.off, u.cancelled);
	PERFORM retail.fact('pieces returned', v.back, u.returned);
	PERFORM retail.fact('pieces with the customers or on their way', s.pieces - v.off - v.back, u.gone);
	PERFORM retail.fact('backorders left', 0, (SELECT count(*) FROM usom.backorders));
	PERFORM retail.fact('pieces received by returns', v.back,
		(SELECT coalesce(sum(quantity_received), 0) FROM usom.returns));

	-- The main warehouse: what left it was picked and packed, a package a shipment; the annex skips both.
	PERFORM retail.fact('shipments of the main warehouse without exactly one package', 0, (
		SELECT count(*) FROM usom.shipments sh WHERE sh.location = 'MAIN'
			AND (SELECT count(*) FROM usom.packages k WHERE k.shipment_no = sh.shipment_no) <> 1));
	PERFORM retail.fact('packages without a shipment, or of the annex', 0, (
		SELECT count(*) FROM usom.packages k LEFT JOIN usom.shipments sh USING (shipment_no) WHERE sh.location IS DISTINCT FROM 'MAIN'));
	PERFORM retail.fact('pieces in packages', (SELECT -sum(m.delta) FROM usom.stock_movement m WHERE m.kind = 'shipment' AND m.location_id = usom.location_id('MAIN')),
		(SELECT sum(l.quantity) FROM usom.package_lines l JOIN usom.packages k USING (package_no)));
	PERFORM retail.fact('tasks of pickers that are not done', 0, (SELECT count(*) FROM usom.pick_tasks t WHERE t.status NOT IN ('done', 'picked')));

	-- Money: what the lines add up to is told by usom and by the account.
	SELECT sum(quantity * unit_price) FILTER (WHERE kind = 'order' OR outcome IN ('credit', 'bad debt')) AS value
	INTO s FROM retail.line WHERE played;
	PERFORM retail.fact('value of orders and entries', s.value, u.value + (
		SELECT coalesce(sum(amount), 0)
		FROM retail.account JOIN retail.line USING (line_id)
		WHERE line.outcome IN ('credit', 'bad debt')));

	-- What usom says that orders cost, with all else in the file: to the last of its three decimals; of the year 9,747,747.934.
	SELECT CASE WHEN bool_and(played) THEN 9747747.934 ELSE sum(quantity * unit_price) FILTER (WHERE played) END AS value,
		sum(quantity * unit_price) FILTER (WHERE played AND kind <> 'order') AS others
	INTO s FROM retail.line;
	PERFORM retail.fact('value of all lines, orders as they were priced', s.value, coalesce(s.others, 0) + (SELECT sum(total) FROM retail.placed));

	-- Stock.
	SELECT sum(opening) AS opening, sum(bought_in) AS bought, sum(counted_in) AS counted, sum(closing) AS closing
	INTO s FROM retail.expected;
	SELECT sum(delta) FILTER (WHERE reference = 'opening stock') AS opening,
		sum(delta) FILTER (WHERE reference ~ '^PO-') AS bought,
		sum(delta) FILTER (WHERE reference ~ '^counted in') AS counted, sum(delta) AS closing
	INTO u FROM usom.stock_movement;
	PERFORM retail.fact('opening stock of the span', s.opening, u.opening);
	PERFORM retail.fact('bought in', s.bought, coalesce(u.bought, 0));
	PERFORM retail.fact('counted in', s.counted, coalesce(u.counted, 0));
	PERFORM retail.fact('closing stock by the ledger', s.closing, u.closing);
	PERFORM retail.fact('closing stock on hand', s.closing, (SELECT sum(on_hand) FROM usom.stock_position));
	PERFORM retail.fact('products whose stock is not the expected one', 0, (
		SELECT count(*)
		FROM retail.expected e JOIN retail.product p USING (sku)
		FULL JOIN usom.stock_position k USING (sku, location)
		WHERE coalesce(e.closing, 0) <> coalesce(k.on_hand, 0)));
	PERFORM retail.fact('stock still reserved', 0, (SELECT sum(reserved) FROM usom.stock_position));
	PERFORM retail.fact('times that stock was below zero', 0, (
		SELECT count(*)
		FROM (SELECT sum(delta) OVER (PARTITION BY product_id, location_id, lot ORDER BY stock_movement_id) AS on_hand
			FROM usom.stock_movement) x
		WHERE on_hand < 0));

	-- Order by order the statements must not grow with the lines.
	PERFORM retail.fact('statements of the largest order, more than of the smallest', 0, (
		SELECT greatest(0, max(most) - max(least))
		FROM (SELECT max(statements) AS most FROM retail.placed WHERE lines > 100) b,
			(SELECT max(statements) AS least FROM retail.placed WHERE lines <= 5) a));

	PERFORM retail.fact('differences that verify() found at the end of ' || to_char(until - 1, 'YYYY-MM-DD'), 0, problems)
		FROM (SELECT * FROM retail.verified ORDER BY until) x;
END
$$;

-- Once more.
CREATE TEMPORARY TABLE before AS SELECT * FROM retail.fingerprint();
CALL retail.replay_again();
DO $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT kind, count(*) AS documents FROM retail.document WHERE played GROUP BY kind ORDER BY kind LOOP
		PERFORM retail.fact(format('second replay: kind "%s" answered "repeated"', r.kind), r.documents,
			(SELECT sum(documents) FROM retail.again a WHERE a.kind = r.kind AND answer = 'repeated'));
	END LOOP;
	PERFORM retail.fact('second replay: other answers', 0, (SELECT count(*) FROM retail.again WHERE answer <> 'repeated'));
	PERFORM retail.fact('second replay: tables of usom that changed', 0,
		(SELECT count(*) FROM (TABLE before EXCEPT SELECT * FROM retail.fingerprint()) x));
	PERFORM retail.fact('second replay: differences that verify() finds', 0, (SELECT count(*) FROM usom.verify()));
END
$$;
