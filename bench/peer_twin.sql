-- The twin: the same order desk as people write it in PL/pgSQL.  Foreign keys
-- on everything, a jsonb audit trigger on every row, a trigger that checks the
-- status, and a function that loops over the lines: look up, lock the stock,
-- reserve, insert.  Lines are taken in the order of their skus, so that two
-- orders do not deadlock.  Each look-up is one row by an index: a join of the
-- whole document would be planned for a hundred lines, and read every product.
SET client_min_messages = warning;
CREATE SCHEMA twin;

CREATE TABLE twin.channel (id bigserial PRIMARY KEY, code text NOT NULL UNIQUE, active boolean NOT NULL DEFAULT true);
CREATE TABLE twin.customer (id bigserial PRIMARY KEY, code text NOT NULL UNIQUE, name text, active boolean NOT NULL DEFAULT true);
CREATE TABLE twin.customer_address (
	customer_id bigint NOT NULL REFERENCES twin.customer, address_no integer NOT NULL,
	name text, line1 text, postcode text, city text, country text, PRIMARY KEY (customer_id, address_no)
);
CREATE TABLE twin.location (id bigserial PRIMARY KEY, code text NOT NULL UNIQUE, priority integer NOT NULL DEFAULT 100, active boolean NOT NULL DEFAULT true);
CREATE TABLE twin.product (id bigserial PRIMARY KEY, sku text NOT NULL UNIQUE, name text, active boolean NOT NULL DEFAULT true);
CREATE TABLE twin.stock (
	product_id bigint NOT NULL REFERENCES twin.product, location_id bigint NOT NULL REFERENCES twin.location,
	on_hand numeric(18,6) NOT NULL DEFAULT 0, reserved numeric(18,6) NOT NULL DEFAULT 0,
	PRIMARY KEY (product_id, location_id), CHECK (reserved >= 0 AND reserved <= on_hand)
) WITH (fillfactor = 50);
CREATE TABLE twin.orders (
	id bigserial PRIMARY KEY, order_no text NOT NULL UNIQUE, channel_id bigint NOT NULL REFERENCES twin.channel,
	customer_id bigint REFERENCES twin.customer, external_id text,
	status text NOT NULL DEFAULT 'submitted' CHECK (status IN ('draft', 'submitted', 'confirmed', 'processing', 'shipped', 'delivered', 'closed', 'cancelled')),
	currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'), total numeric(19,4) NOT NULL DEFAULT 0, priority integer NOT NULL DEFAULT 5,
	placed_at timestamptz NOT NULL DEFAULT now(), ship_to jsonb,
	created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (channel_id, external_id)
);
CREATE INDEX ON twin.orders (customer_id);
CREATE SEQUENCE twin.order_no;
CREATE TABLE twin.order_line (
	id bigserial PRIMARY KEY, order_id bigint NOT NULL REFERENCES twin.orders, line_no integer NOT NULL CHECK (line_no > 0),
	product_id bigint NOT NULL REFERENCES twin.product, quantity numeric(18,6) NOT NULL CHECK (quantity > 0),
	unit_price numeric(19,4) NOT NULL CHECK (unit_price >= 0), total numeric(19,4) NOT NULL,
	quantity_reserved numeric(18,6) NOT NULL DEFAULT 0, quantity_backordered numeric(18,6) NOT NULL DEFAULT 0,
	quantity_shipped numeric(18,6) NOT NULL DEFAULT 0, quantity_cancelled numeric(18,6) NOT NULL DEFAULT 0,
	UNIQUE (order_id, line_no)
);
CREATE TABLE twin.reservation (
	id bigserial PRIMARY KEY, order_line_id bigint NOT NULL REFERENCES twin.order_line,
	product_id bigint NOT NULL REFERENCES twin.product, location_id bigint REFERENCES twin.location,
	status text NOT NULL CHECK (status IN ('reserved', 'backordered', 'released', 'shipped', 'cancelled')),
	quantity numeric(18,6) NOT NULL CHECK (quantity > 0), promised_at timestamptz
);
CREATE INDEX ON twin.reservation (order_line_id);
CREATE TABLE twin.order_history (
	id bigserial PRIMARY KEY, order_id bigint NOT NULL REFERENCES twin.orders, from_status text, to_status text NOT NULL,
	changed_by text NOT NULL DEFAULT session_user, changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON twin.order_history (order_id);
CREATE TABLE twin.audit_log (
	id bigserial PRIMARY KEY, table_name text NOT NULL, operation text NOT NULL, old_row jsonb, new_row jsonb,
	session_role text NOT NULL DEFAULT session_user, active_role text NOT NULL DEFAULT current_user,
	client_addr inet DEFAULT inet_client_addr(), application_name text DEFAULT current_setting('application_name'),
	transaction_id bigint NOT NULL DEFAULT txid_current(), logged_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION twin.audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO twin.audit_log (table_name, operation, old_row, new_row)
	VALUES (TG_TABLE_NAME, TG_OP, CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
	RETURN NULL;
END
$$;

CREATE FUNCTION twin.check_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.status IS DISTINCT FROM OLD.status AND NOT (CASE OLD.status
		WHEN 'draft' THEN NEW.status IN ('submitted', 'cancelled')
		WHEN 'submitted' THEN NEW.status IN ('confirmed', 'cancelled')
		WHEN 'confirmed' THEN NEW.status IN ('processing', 'cancelled')
		WHEN 'processing' THEN NEW.status IN ('shipped', 'cancelled')
		WHEN 'shipped' THEN NEW.status = 'delivered'
		WHEN 'delivered' THEN NEW.status = 'closed'
		ELSE false END)
	THEN
		RAISE EXCEPTION 'order % cannot go from % to %', OLD.order_no, OLD.status, NEW.status;
	END IF;
	NEW.updated_at := now();
	RETURN NEW;
END
$$;

-- One row per change of status.
CREATE FUNCTION twin.write_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' THEN
		INSERT INTO twin.order_history (order_id, to_status) VALUES (NEW.id, NEW.status);
	ELSIF NEW.status IS DISTINCT FROM OLD.status THEN
		INSERT INTO twin.order_history (order_id, from_status, to_status) VALUES (NEW.id, OLD.status, NEW.status);
	END IF;
	RETURN NULL;
END
$$;

CREATE FUNCTION twin.place_order(document jsonb)
RETURNS TABLE (order_no text, status text, total numeric, quantity_reserved numeric, quantity_backordered numeric)
LANGUAGE plpgsql AS $$
DECLARE
	the_channel twin.channel;
	the_customer twin.customer;
	the_order twin.orders;
	the_product twin.product;
	the_address jsonb;
	line record;
	source record;
	the_line_id bigint;
	reserved numeric := 0;
	backordered numeric := 0;
	order_total numeric := 0;
BEGIN
	IF jsonb_typeof(document->'lines') IS DISTINCT FROM 'array' OR jsonb_array_length(document->'lines') = 0 THEN
		RAISE EXCEPTION 'an order needs lines';
	END IF;
	SELECT * INTO the_channel FROM twin.channel c WHERE c.code = document->>'channel' AND c.active;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'unknown channel %', document->>'channel';
	END IF;
	SELECT * INTO the_customer FROM twin.customer c WHERE c.code = document->>'customer' AND c.active;
	IF NOT FOUND AND document->>'customer' IS NOT NULL THEN
		RAISE EXCEPTION 'unknown customer %', document->>'customer';
	END IF;
	SELECT * INTO the_order FROM twin.orders o WHERE o.channel_id = the_channel.id AND o.external_id = document->>'external_id';
	IF FOUND THEN
		RETURN QUERY SELECT the_order.order_no, the_order.status, the_order.total, NULL::numeric, NULL::numeric;
		RETURN;
	END IF;
	SELECT to_jsonb(a) - 'customer_id' - 'address_no' INTO the_address
	FROM twin.customer_address a WHERE a.customer_id = the_customer.id AND a.address_no = 1;

	INSERT INTO twin.orders (order_no, channel_id, customer_id, external_id, currency, ship_to)
	VALUES ('SO-' || lpad(nextval('twin.order_no')::text, 6, '0'), the_channel.id, the_customer.id, document->>'external_id',
		coalesce(document->>'currency', 'EUR'), coalesce(document->'ship_to', the_address))
	RETURNING * INTO the_order;

	FOR line IN
		SELECT l.ordinality AS line_no, l.value->>'sku' AS sku, (l.value->>'quantity')::numeric AS quantity, (l.value->>'unit_price')::numeric AS unit_price
		FROM jsonb_array_elements(document->'lines') WITH ORDINALITY AS l ORDER BY l.value->>'sku', l.ordinality
	LOOP
		SELECT * INTO the_product FROM twin.product p WHERE p.sku = line.sku AND p.active;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'unknown product %', line.sku;
		END IF;
		IF line.quantity IS NULL OR line.quantity <= 0 THEN
			RAISE EXCEPTION 'line % needs a quantity', line.line_no;
		END IF;
		SELECT s.location_id INTO source
		FROM twin.stock s JOIN twin.location o ON o.id = s.location_id
		WHERE s.product_id = the_product.id AND o.active AND s.on_hand - s.reserved >= line.quantity
		ORDER BY o.priority, o.id
		LIMIT 1
		FOR UPDATE OF s;

		INSERT INTO twin.order_line (order_id, line_no, product_id, quantity, unit_price, total, quantity_reserved, quantity_backordered)
		VALUES (the_order.id, line.line_no, the_product.id, line.quantity, line.unit_price, round(line.quantity * line.unit_price, 4),
			CASE WHEN source.location_id IS NOT NULL THEN line.quantity ELSE 0 END,
			CASE WHEN source.location_id IS NULL THEN line.quantity ELSE 0 END)
		RETURNING id INTO the_line_id;
		IF source.location_id IS NOT NULL THEN
			UPDATE twin.stock s SET reserved = s.reserved + line.quantity
			WHERE s.product_id = the_product.id AND s.location_id = source.location_id;
			INSERT INTO twin.reservation (order_line_id, product_id, location_id, status, quantity, promised_at)
			VALUES (the_line_id, the_product.id, source.location_id, 'reserved', line.quantity, now());
			reserved := reserved + line.quantity;
		ELSE
			INSERT INTO twin.reservation (order_line_id, product_id, status, quantity)
			VALUES (the_line_id, the_product.id, 'backordered', line.quantity);
			backordered := backordered + line.quantity;
		END IF;
		order_total := order_total + round(line.quantity * line.unit_price, 4);
	END LOOP;

	UPDATE twin.orders o SET status = 'confirmed', total = order_total WHERE o.id = the_order.id RETURNING * INTO the_order;
	RETURN QUERY SELECT the_order.order_no, the_order.status, the_order.total, reserved, backordered;
END
$$;

INSERT INTO twin.channel (code) SELECT code FROM usom.channel;
INSERT INTO twin.customer (code, name) SELECT customer, name FROM usom.customers;
INSERT INTO twin.customer_address
	SELECT c.id, a.address_no, a.name, a.line1, a.postcode, a.city, a.country
	FROM usom.addresses a JOIN twin.customer c ON c.code = a.customer;
INSERT INTO twin.location (code) SELECT code FROM usom.location;
INSERT INTO twin.product (sku, name) SELECT sku, name FROM usom.product ORDER BY product_id;
INSERT INTO twin.stock (product_id, location_id, on_hand) SELECT p.id, l.id, 100000000 FROM twin.product p CROSS JOIN twin.location l;

CREATE TRIGGER check_status BEFORE UPDATE ON twin.orders FOR EACH ROW EXECUTE FUNCTION twin.check_status();
CREATE TRIGGER history AFTER INSERT OR UPDATE OF status ON twin.orders FOR EACH ROW EXECUTE FUNCTION twin.write_history();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON twin.orders FOR EACH ROW EXECUTE FUNCTION twin.audit();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON twin.order_line FOR EACH ROW EXECUTE FUNCTION twin.audit();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON twin.reservation FOR EACH ROW EXECUTE FUNCTION twin.audit();
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON twin.stock FOR EACH ROW EXECUTE FUNCTION twin.audit();
VACUUM ANALYZE twin.product, twin.stock;
