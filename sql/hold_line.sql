-- Holds on lines and pieces: what they keep, what they let go, and that they follow their units.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.location (code) VALUES ('HLI-A');
INSERT INTO usom.product (sku) SELECT 'HLI-' || n FROM generate_series(1, 4) n;
INSERT INTO usom.product (sku, kind) VALUES ('HLI-KIT', 'kit');
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity)
VALUES (usom.product_id('HLI-KIT'), usom.product_id('HLI-3'), 1), (usom.product_id('HLI-KIT'), usom.product_id('HLI-4'), 2);
SELECT usom.receive_stock('HLI-A', 'HLI-1', 20), usom.receive_stock('HLI-A', 'HLI-2', 20), usom.receive_stock('HLI-A', 'HLI-3', 20), usom.receive_stock('HLI-A', 'HLI-4', 20);
CREATE FUNCTION pg_temp.place(lines jsonb, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT order_no FROM usom.place_order(jsonb_build_object('lines', lines) || more)
$$;
CREATE FUNCTION pg_temp.held_pieces(order_no text) RETURNS TABLE (piece text) LANGUAGE sql AS $$
	SELECT format('%s.%s %s %s %s', p.line_no, p.piece_no, p.quantity::float, p.status,
		(SELECT string_agg(h.hold_type, '+' ORDER BY h.hold_type) FROM usom.holds h WHERE h.order_no = p.order_no AND h.active
			AND h.line_no = p.line_no AND coalesce(h.piece_no, p.piece_no) = p.piece_no))
	FROM usom.order_pieces p WHERE p.order_no = $1 ORDER BY p.line_no, p.piece_no
$$;
CREATE FUNCTION pg_temp.try(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	d text;
	h text;
BEGIN
	EXECUTE command;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
	RETURN regexp_replace(concat_ws(' | ', SQLSTATE, SQLERRM, d, h), 'SO-\d+', '(order)', 'g');
END
$$;
-- a line is held: the others go
SELECT pg_temp.place('[{"sku": "HLI-1", "quantity": 2}, {"sku": "HLI-2", "quantity": 3}]') AS o \gset
SELECT status FROM usom.hold_order(:'o', 'fraud', 'odd line', line_no => 2);
SELECT * FROM pg_temp.held_pieces(:'o');
SELECT status FROM usom.release_order(:'o');
SELECT * FROM pg_temp.held_pieces(:'o');
-- nothing is left: US102
SELECT pg_temp.try(format('SELECT usom.release_order(%L)', :'o'));
SELECT pg_temp.try(format('SELECT usom.ship(%L, ''[{"line_no": 2, "quantity": 1}]'')', :'o'));
-- change: of that line, no; of the other, yes (fraud blocks changes)
SELECT pg_temp.try(format('SELECT usom.change_order(%L, ''{"lines": [{"line_no": 2, "quantity": 1}]}'')', :'o'));
SELECT pg_temp.try(format('SELECT usom.change_order(%L, ''{"lines": [{"line_no": 1, "requested_at": "2030-01-01T00:00:00Z"}]}'')', :'o'));
SELECT usom.ship(:'o') IS NOT NULL AS shipped;
SELECT * FROM pg_temp.held_pieces(:'o');
SELECT pg_temp.try(format('SELECT usom.ship(%L)', :'o'));
SELECT line_no, piece_no, hold_type, reason, active FROM usom.holds WHERE order_no = :'o';
SELECT status FROM usom.release_hold(:'o', 'fraud', 'looked at', line_no => 2);
SELECT status FROM usom.release_order(:'o');
SELECT usom.ship(:'o') IS NOT NULL AS shipped;
SELECT * FROM pg_temp.held_pieces(:'o');
-- several at once, at several places; one type at two places
SELECT pg_temp.place('[{"sku": "HLI-1", "quantity": 4}, {"sku": "HLI-2", "quantity": 3}]') AS o \gset
SELECT status FROM usom.hold_order(:'o', 'address', 'street', line_no => 1);
SELECT status FROM usom.hold_order(:'o', 'customer', 'asked', line_no => 1, piece_no => 1);
SELECT status FROM usom.hold_order(:'o', 'address', 'town', line_no => 2);
SELECT status FROM usom.hold_order(:'o', 'address', 'town again', line_no => 2);
SELECT line_no, piece_no, hold_type, reason FROM usom.holds WHERE order_no = :'o' ORDER BY 1, 2 NULLS FIRST;
SELECT pg_temp.try(format('SELECT usom.release_order(%L)', :'o'));
SELECT status FROM usom.release_hold(:'o', 'address', 'right', line_no => 1);
SELECT pg_temp.try(format('SELECT usom.release_hold(%L, ''address'', ''again'', line_no => 1)', :'o'));
SELECT * FROM pg_temp.held_pieces(:'o');
-- without a place: wherever they stand
SELECT status FROM usom.release_hold(:'o', 'address', 'right');
SELECT status FROM usom.release_order(:'o');
SELECT * FROM pg_temp.held_pieces(:'o');
-- the order, a line or piece that there is not
SELECT pg_temp.try(format('SELECT usom.hold_order(%L, ''fraud'', ''x'', line_no => 9)', :'o'));
SELECT pg_temp.try(format('SELECT usom.hold_order(%L, ''fraud'', ''x'', line_no => 1, piece_no => 9)', :'o'));
SELECT pg_temp.try(format('SELECT usom.hold_order(%L, ''fraud'', ''x'', piece_no => 1)', :'o'));
SELECT usom.ship(:'o') IS NOT NULL AS shipped;
SELECT pg_temp.try(format('SELECT usom.hold_order(%L, ''fraud'', ''x'', line_no => 2, piece_no => 1)', :'o'));
-- units that are cut off a held piece stay held: partly filled, then joined again
SELECT pg_temp.place('[{"sku": "HLI-2", "quantity": 30}]') AS o \gset
SELECT * FROM pg_temp.held_pieces(:'o');
SELECT status FROM usom.hold_order(:'o', 'customer', 'asked', line_no => 1, piece_no => 2);
SELECT usom.receive_stock('HLI-A', 'HLI-2', 5);
SELECT count(*) > 0 AS filled FROM usom.fill_backorders('HLI-2');
SELECT * FROM pg_temp.held_pieces(:'o');
SELECT status FROM usom.release_order(:'o');
SELECT * FROM pg_temp.held_pieces(:'o');
-- a piece that is gone takes its hold along
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "quantity": 15}]}');
SELECT * FROM pg_temp.held_pieces(:'o');
SELECT line_no, piece_no, hold_type, active, release_reason FROM usom.holds WHERE order_no = :'o' ORDER BY piece_no;
-- kits: a component of a whole kit holds the kit
SELECT pg_temp.place('[{"sku": "HLI-KIT", "quantity": 2}, {"sku": "HLI-1", "quantity": 1}]') AS o \gset
SELECT status FROM usom.hold_order(:'o', 'customer', 'asked', line_no => 4);
SELECT status FROM usom.release_order(:'o');
SELECT * FROM pg_temp.held_pieces(:'o');
SELECT status FROM usom.release_hold(:'o', 'customer', 'done');
SELECT status FROM usom.hold_order(:'o', 'customer', 'asked', line_no => 1);
SELECT pg_temp.try(format('SELECT usom.release_order(%L)', :'o'));
SELECT * FROM pg_temp.held_pieces(:'o');
-- an order that ships complete waits for its held unit
SELECT pg_temp.place('[{"sku": "HLI-1", "quantity": 1}, {"sku": "HLI-1", "quantity": 1}]', '{"ship_complete": true}') AS o \gset
SELECT status FROM usom.hold_order(:'o', 'customer', 'asked', line_no => 2);
SELECT pg_temp.try(format('SELECT usom.release_order(%L)', :'o'));
-- what is of the whole order waits for every hold
SELECT pg_temp.place('[{"sku": "HLI-1", "quantity": 1}, {"sku": "HLI-1", "quantity": 1}]') AS o \gset
INSERT INTO usom.hold_type (code, blocks) VALUES ('HLI-NO-CANCEL', '{cancel}');
SELECT status FROM usom.hold_order(:'o', 'HLI-NO-CANCEL', 'kept', line_no => 2);
SELECT pg_temp.try(format('SELECT usom.cancel_order(%L, ''x'')', :'o'));
SELECT pg_temp.try(format('SELECT usom.cancel_line(%L, 2, 1, ''x'')', :'o'));
SELECT pg_temp.try(format('SELECT usom.cancel_line(%L, 1, 1, ''x'')', :'o'));
-- a line that goes takes its hold along
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 2, "remove": true}, {"sku": "HLI-1", "quantity": 1}]}');
SELECT hold_type, active, release_reason FROM usom.holds WHERE order_no = :'o';
-- what the order was
SELECT usom.order_as_of(:'o', now())->'holds'->0->>'line_no' AS line_no;
SELECT * FROM usom.verify();
