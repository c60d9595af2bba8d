-- Freight that the customer pays: one amount for the order, a share for each line that is sent.
\getenv srcdir PG_ABS_SRCDIR
\set helpers :srcdir '/sql/include/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
INSERT INTO usom.organisation (code) VALUES ('freights');
SET usom.org = 'freights';
INSERT INTO usom.location (code, picks_up) VALUES ('FRC-A', true);
INSERT INTO usom.product (sku, weight, kind) VALUES ('FRC-BOX', 2.5, 'physical'), ('FRC-PEN', 0.01, 'physical'), ('FRC-WORK', 9, 'service'), ('FRC-SET', 4, 'kit');
INSERT INTO usom.kit_component (kit_product_id, component_product_id, quantity) VALUES (usom.product_id('FRC-SET'), usom.product_id('FRC-BOX'), 1), (usom.product_id('FRC-SET'), usom.product_id('FRC-PEN'), 2);
SELECT count(*) FROM usom.receive_stocks('[{"location": "FRC-A", "sku": "FRC-BOX", "quantity": 100}, {"location": "FRC-A", "sku": "FRC-PEN", "quantity": 100}]');
INSERT INTO usom.freight_charge (name, currency, order_price, weight_price, free_from) VALUES ('parcel', 'EUR', 4.95, 0.5, 100);
INSERT INTO usom.freight_charge (name, country, currency, order_price, unit_price) VALUES ('abroad', 'CH', 'EUR', 19, 0.255);
INSERT INTO usom.freight_charge (name, channel, currency, order_price) VALUES ('shop', 'pos', 'EUR', 1);
INSERT INTO usom.freight_charge (name, order_type, currency, order_price) VALUES ('counter', 'pick_up', 'EUR', 0.5);
INSERT INTO usom.freight_charge (name, currency, order_price, weight_price) VALUES ('yen', 'JPY', 500.5, 99);
CREATE FUNCTION pg_temp.priced(more jsonb, lines text) RETURNS TABLE (order_no text, freight numeric, total numeric, shares text) LANGUAGE plpgsql AS $$
BEGIN
	order_no := (usom.place_order(jsonb_build_object('currency', 'EUR', 'ship_to', '{"country": "DE"}'::jsonb, 'lines', lines::jsonb) || more)).order_no;
	RETURN QUERY SELECT o.order_no, (SELECT sum(l.freight) FROM usom.order_lines l WHERE l.order_no = o.order_no), o.total, (SELECT string_agg(format('%s %s', l.sku, l.freight), ', ' ORDER BY l.line_no) FROM usom.order_lines l WHERE l.order_no = o.order_no)
		FROM usom.orders o WHERE o.order_no = priced.order_no;
END
$$;
\set lines '[{"sku": "FRC-BOX", "quantity": 3, "unit_price": 7}, {"sku": "FRC-PEN", "quantity": 1, "unit_price": 7}, {"sku": "FRC-WORK", "quantity": 1, "unit_price": 30}]'
-- An amount for the order, one for its 7.51 kg, shared by what goods that are sent cost.
SELECT order_no AS o, freight, total, shares FROM pg_temp.priced('{}', :'lines') \gset
SELECT :freight AS freight, :total AS total, :'shares' AS shares;
-- The channel says more than the type of the order, that more than the country; in the currency of the order.
SELECT freight, total, shares FROM pg_temp.priced('{"ship_to": {"country": "CH"}}', :'lines');
SELECT freight, total, shares FROM pg_temp.priced('{"channel": "pos", "ship_to": {"country": "CH"}}', :'lines');
SELECT freight, total, shares FROM pg_temp.priced('{"currency": "JPY"}', :'lines');
SELECT freight, total, shares FROM pg_temp.priced('{"currency": "USD"}', :'lines');
SELECT freight, total, shares FROM pg_temp.priced('{"order_type": "pick_up"}', '[{"sku": "FRC-BOX", "quantity": 1, "unit_price": 7, "location": "FRC-A"}]');
DELETE FROM usom.freight_charge WHERE name = 'counter';
SELECT freight, total, shares FROM pg_temp.priced('{"order_type": "pick_up"}', '[{"sku": "FRC-BOX", "quantity": 1, "unit_price": 7, "location": "FRC-A"}]');
-- Free from a value of the goods on; nothing where nothing is sent; by units where goods cost nothing; kits are sent, their components go with them.
SELECT freight, total, shares FROM pg_temp.priced('{}', '[{"sku": "FRC-BOX", "quantity": 1, "unit_price": 99.99}]');
SELECT freight, total, shares FROM pg_temp.priced('{}', '[{"sku": "FRC-BOX", "quantity": 1, "unit_price": 70}, {"sku": "FRC-WORK", "quantity": 1, "unit_price": 30}]');
SELECT freight, total, shares FROM pg_temp.priced('{}', '[{"sku": "FRC-WORK", "quantity": 1, "unit_price": 30}]');
SELECT freight, total, shares FROM pg_temp.priced('{}', '[{"sku": "FRC-BOX", "quantity": 1, "unit_price": 0}, {"sku": "FRC-PEN", "quantity": 2, "unit_price": 0}]');
SELECT freight, total, shares FROM pg_temp.priced('{}', '[{"sku": "FRC-SET", "quantity": 2, "unit_price": 20}]');
-- Changed: the freight follows; cancelled: a part of it goes.
SELECT status FROM usom.change_order(:'o', '{"lines": [{"line_no": 1, "quantity": 6}]}');
SELECT line_no, quantity, freight, total FROM usom.order_lines WHERE order_no = :'o' ORDER BY line_no;
SELECT status FROM usom.cancel_line(:'o', 1, 4, 'too many');
SELECT line_no, quantity - quantity_cancelled AS quantity, freight, total FROM usom.order_lines WHERE order_no = :'o' ORDER BY line_no;
SELECT status FROM usom.change_order(:'o', '{"ship_to": {"country": "CH"}}');
SELECT line_no, quantity - quantity_cancelled AS quantity, freight, total FROM usom.order_lines WHERE order_no = :'o' ORDER BY line_no;
-- What no charge may be.
SELECT r.* FROM unnest(ARRAY['(channel) VALUES (''none'')', '(order_type) VALUES (''none'')', '(currency) VALUES (''EUX'')', '(order_price) VALUES (-1)', '(country) VALUES (''Germany'')', '(currency, order_price) VALUES (''EUR'', 7)']) c, pg_temp.refused('INSERT INTO usom.freight_charge ' || c) r WHERE r !~ '^  detail: (Key|Failing)';
SELECT * FROM usom.verify();
