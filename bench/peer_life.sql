-- The other steps of the twin's orders, as people write them: a function a
-- step that locks the order, asks its status and its holds, loops over its
-- reservations, and leaves history and audit to the triggers.
SET client_min_messages = warning;

CREATE TABLE twin.hold (
	id bigserial PRIMARY KEY, order_id bigint NOT NULL REFERENCES twin.orders, hold_type text NOT NULL, reason text,
	created_by text NOT NULL DEFAULT session_user, created_at timestamptz NOT NULL DEFAULT now(), released_at timestamptz, release_reason text
);
CREATE INDEX ON twin.hold (order_id);
CREATE SEQUENCE twin.shipment_no;
CREATE TABLE twin.shipment (
	id bigserial PRIMARY KEY, shipment_no text NOT NULL UNIQUE, order_id bigint NOT NULL REFERENCES twin.orders,
	location_id bigint NOT NULL REFERENCES twin.location, status text NOT NULL CHECK (status IN ('shipped', 'delivered')),
	shipped_at timestamptz NOT NULL DEFAULT now(), delivered_at timestamptz
);
CREATE INDEX ON twin.shipment (order_id);
CREATE TABLE twin.stock_movement (
	id bigserial PRIMARY KEY, product_id bigint NOT NULL REFERENCES twin.product, location_id bigint NOT NULL REFERENCES twin.location,
	quantity numeric(18,6) NOT NULL, reason text NOT NULL, order_id bigint REFERENCES twin.orders,
	moved_by text NOT NULL DEFAULT session_user, moved_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE twin.reservation ADD shipment_id bigint REFERENCES twin.shipment, DROP CONSTRAINT reservation_status_check,
	ADD CHECK (status IN ('reserved', 'backordered', 'released', 'picked', 'shipped', 'delivered', 'cancelled'));

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON twin.hold FOR EACH ROW EXECUTE FUNCTION twin.audit();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON twin.shipment FOR EACH ROW EXECUTE FUNCTION twin.audit();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON twin.stock_movement FOR EACH ROW EXECUTE FUNCTION twin.audit();

-- The order, locked, in one of the statuses.
CREATE FUNCTION twin.lock_order(number text, VARIADIC statuses text[]) RETURNS twin.orders LANGUAGE plpgsql AS $$
DECLARE
	the_order twin.orders;
BEGIN
	SELECT * INTO the_order FROM twin.orders o WHERE o.order_no = number FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no order %', number;
	END IF;
	IF the_order.status <> ALL (statuses) THEN
		RAISE EXCEPTION 'order % is %', number, the_order.status;
	END IF;
	RETURN the_order;
END
$$;

CREATE FUNCTION twin.draft_order(document jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	the_channel twin.channel;
	the_customer twin.customer;
	the_order twin.orders;
	the_product twin.product;
	the_address jsonb;
	line record;
	order_total numeric := 0;
BEGIN
	SELECT * INTO the_channel FROM twin.channel c WHERE c.code = document->>'channel' AND c.active;
	SELECT * INTO the_customer FROM twin.customer c WHERE c.code = document->>'customer' AND c.active;
	IF the_channel.id IS NULL OR the_customer.id IS NULL THEN
		RAISE EXCEPTION 'unknown channel % or customer %', document->>'channel', document->>'customer';
	END IF;
	SELECT to_jsonb(a) - 'customer_id' - 'address_no' INTO the_address
	FROM twin.customer_address a WHERE a.customer_id = the_customer.id AND a.address_no = 1;
	INSERT INTO twin.orders (order_no, channel_id, customer_id, external_id, status, currency, ship_to)
	VALUES ('SO-' || lpad(nextval('twin.order_no')::text, 6, '0'), the_channel.id, the_customer.id, document->>'external_id', 'draft',
		coalesce(document->>'currency', 'EUR'), coalesce(document->'ship_to', the_address))
	RETURNING * INTO the_order;
	FOR line IN
		SELECT l.ordinality AS line_no, l.value->>'sku' AS sku, (l.value->>'quantity')::numeric AS quantity, (l.value->>'unit_price')::numeric AS unit_price
		FROM jsonb_array_elements(document->'lines') WITH ORDINALITY AS l
	LOOP
		SELECT * INTO the_product FROM twin.product p WHERE p.sku = line.sku AND p.active;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'unknown product %', line.sku;
		END IF;
		INSERT INTO twin.order_line (order_id, line_no, product_id, quantity, unit_price, total)
		VALUES (the_order.id, line.line_no, the_product.id, line.quantity, line.unit_price, round(line.quantity * line.unit_price, 4));
		order_total := order_total + round(line.quantity * line.unit_price, 4);
	END LOOP;
	UPDATE twin.orders SET total = order_total WHERE id = the_order.id;
	RETURN the_order.order_no;
END
$$;

CREATE FUNCTION twin.submit_order(number text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	the_order twin.orders := twin.lock_order(number, 'draft');
	line twin.order_line;
	source record;
BEGIN
	UPDATE twin.orders SET status = 'submitted' WHERE id = the_order.id;
	FOR line IN SELECT * FROM twin.order_line l WHERE l.order_id = the_order.id ORDER BY l.product_id, l.line_no LOOP
		SELECT s.location_id INTO source
		FROM twin.stock s JOIN twin.location o ON o.id = s.location_id
		WHERE s.product_id = line.product_id AND o.active AND s.on_hand - s.reserved >= line.quantity
		ORDER BY o.priority, o.id
		LIMIT 1
		FOR UPDATE OF s;
		IF FOUND THEN
			UPDATE twin.stock s SET reserved = s.reserved + line.quantity WHERE s.product_id = line.product_id AND s.location_id = source.location_id;
			INSERT INTO twin.reservation (order_line_id, product_id, location_id, status, quantity, promised_at)
			VALUES (line.id, line.product_id, source.location_id, 'reserved', line.quantity, now());
			UPDATE twin.order_line SET quantity_reserved = line.quantity WHERE id = line.id;
		ELSE
			INSERT INTO twin.reservation (order_line_id, product_id, status, quantity) VALUES (line.id, line.product_id, 'backordered', line.quantity);
			UPDATE twin.order_line SET quantity_backordered = line.quantity WHERE id = line.id;
		END IF;
	END LOOP;
	UPDATE twin.orders SET status = 'confirmed' WHERE id = the_order.id;
	RETURN 'confirmed';
END
$$;

CREATE FUNCTION twin.hold_order(number text, the_type text, why text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	the_order twin.orders := twin.lock_order(number, 'draft', 'submitted', 'confirmed', 'processing');
BEGIN
	INSERT INTO twin.hold (order_id, hold_type, reason) VALUES (the_order.id, the_type, why);
	UPDATE twin.orders SET updated_at = now() WHERE id = the_order.id;
END
$$;

CREATE FUNCTION twin.release_hold(number text, the_type text, why text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	the_order twin.orders := twin.lock_order(number, 'draft', 'submitted', 'confirmed', 'processing');
BEGIN
	UPDATE twin.hold SET released_at = now(), release_reason = why WHERE order_id = the_order.id AND hold_type = the_type AND released_at IS NULL;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'order % has no hold %', number, the_type;
	END IF;
	UPDATE twin.orders SET updated_at = now() WHERE id = the_order.id;
END
$$;

CREATE FUNCTION twin.release_order(number text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	the_order twin.orders := twin.lock_order(number, 'confirmed');
BEGIN
	IF EXISTS (SELECT 1 FROM twin.hold h WHERE h.order_id = the_order.id AND h.released_at IS NULL) THEN
		RAISE EXCEPTION 'order % is held', number;
	END IF;
	UPDATE twin.reservation r SET status = 'released' FROM twin.order_line l
	WHERE l.order_id = the_order.id AND r.order_line_id = l.id AND r.status = 'reserved';
	UPDATE twin.orders SET status = 'processing' WHERE id = the_order.id;
	RETURN 'processing';
END
$$;

CREATE FUNCTION twin.pick(number text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	the_order twin.orders := twin.lock_order(number, 'processing');
BEGIN
	UPDATE twin.reservation r SET status = 'picked' FROM twin.order_line l
	WHERE l.order_id = the_order.id AND r.order_line_id = l.id AND r.status = 'released';
END
$$;

CREATE FUNCTION twin.ship(number text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	the_order twin.orders := twin.lock_order(number, 'processing');
	the_shipment twin.shipment;
	piece record;
BEGIN
	FOR piece IN
		SELECT r.id, r.order_line_id, r.product_id, r.location_id, r.quantity FROM twin.reservation r JOIN twin.order_line l ON l.id = r.order_line_id
		WHERE l.order_id = the_order.id AND r.status IN ('released', 'picked') ORDER BY r.product_id
	LOOP
		IF the_shipment.id IS NULL THEN
			INSERT INTO twin.shipment (shipment_no, order_id, location_id, status)
			VALUES ('SH-' || lpad(nextval('twin.shipment_no')::text, 6, '0'), the_order.id, piece.location_id, 'shipped') RETURNING * INTO the_shipment;
		END IF;
		UPDATE twin.stock s SET on_hand = s.on_hand - piece.quantity, reserved = s.reserved - piece.quantity
		WHERE s.product_id = piece.product_id AND s.location_id = piece.location_id;
		INSERT INTO twin.stock_movement (product_id, location_id, quantity, reason, order_id)
		VALUES (piece.product_id, piece.location_id, -piece.quantity, 'shipment', the_order.id);
		UPDATE twin.reservation SET status = 'shipped', shipment_id = the_shipment.id WHERE id = piece.id;
		UPDATE twin.order_line SET quantity_reserved = quantity_reserved - piece.quantity, quantity_shipped = quantity_shipped + piece.quantity WHERE id = piece.order_line_id;
	END LOOP;
	UPDATE twin.orders SET status = 'shipped' WHERE id = the_order.id;
	RETURN the_shipment.shipment_no;
END
$$;

CREATE FUNCTION twin.deliver(number text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	the_shipment twin.shipment;
BEGIN
	SELECT * INTO the_shipment FROM twin.shipment s WHERE s.shipment_no = number FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no shipment %', number;
	END IF;
	UPDATE twin.shipment SET status = 'delivered', delivered_at = now() WHERE id = the_shipment.id;
	UPDATE twin.reservation r SET status = 'delivered' FROM twin.order_line l
	WHERE l.order_id = the_shipment.order_id AND r.order_line_id = l.id AND r.shipment_id = the_shipment.id;
	IF NOT EXISTS (SELECT 1 FROM twin.shipment s WHERE s.order_id = the_shipment.order_id AND s.status <> 'delivered') THEN
		UPDATE twin.orders SET status = 'delivered' WHERE id = the_shipment.order_id;
	END IF;
	RETURN 'delivered';
END
$$;

CREATE FUNCTION twin.cancel_order(number text, why text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	the_order twin.orders := twin.lock_order(number, 'draft', 'submitted', 'confirmed');
	piece record;
BEGIN
	FOR piece IN
		SELECT r.* FROM twin.reservation r JOIN twin.order_line l ON l.id = r.order_line_id
		WHERE l.order_id = the_order.id AND r.status IN ('reserved', 'backordered') ORDER BY r.product_id
	LOOP
		IF piece.status = 'reserved' THEN
			UPDATE twin.stock s SET reserved = s.reserved - piece.quantity WHERE s.product_id = piece.product_id AND s.location_id = piece.location_id;
		END IF;
		UPDATE twin.reservation SET status = 'cancelled' WHERE id = piece.id;
		UPDATE twin.order_line SET quantity_reserved = 0, quantity_backordered = 0, quantity_cancelled = quantity WHERE id = piece.order_line_id;
	END LOOP;
	UPDATE twin.orders SET status = 'cancelled' WHERE id = the_order.id;
	RETURN 'cancelled';
END
$$;
