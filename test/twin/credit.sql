-- Credit (src/payment/credit_plan.c and what calls it): orders of a customer live
-- random lives, and after each step every order owes, takes and waits as a model
-- in PL/pgSQL says, which knows the rules of decision 044 and nothing else.
SELECT setseed((:seed % 997) / 1000.0) IS NULL AS seeded \gset
SET client_min_messages = warning;
INSERT INTO usom.location (code) VALUES ('L1');
INSERT INTO usom.product (sku) VALUES ('S1');
SELECT count(*) FROM usom.receive_stock('L1', 'S1', 1000000) \g /dev/null
INSERT INTO usom.customer (code) VALUES ('C1');
INSERT INTO usom.credit_account (customer_id, limit_amount) VALUES (usom.customer_id('C1'), 1000);

CREATE TABLE twin.debt (
	order_no text PRIMARY KEY,
	price numeric NOT NULL,
	units integer NOT NULL,
	gone integer NOT NULL DEFAULT 0,
	back integer NOT NULL DEFAULT 0,
	paid numeric NOT NULL DEFAULT 0,
	payment text,
	status text NOT NULL,
	known numeric NOT NULL,
	taken numeric NOT NULL DEFAULT 0,
	since integer,
	blocked boolean NOT NULL DEFAULT false
);
CREATE SEQUENCE twin.age;

CREATE FUNCTION twin.owes(d twin.debt) RETURNS numeric LANGUAGE sql AS $$
	SELECT greatest(CASE WHEN d.status = 'cancelled' THEN 0 ELSE d.price * (d.units - d.back) END - d.paid, 0)
$$;

CREATE FUNCTION twin.fits(more numeric) RETURNS boolean LANGUAGE sql AS $$
	SELECT (SELECT coalesce(sum(taken), 0) FROM twin.debt) + more <= (SELECT limit_amount FROM usom.credit_account)
$$;

-- An order asks to be confirmed.
CREATE FUNCTION twin.ask(o text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	d twin.debt;
BEGIN
	SELECT * INTO d FROM twin.debt WHERE order_no = o;
	d.known := twin.owes(d);
	IF twin.fits(d.known - d.taken) OR d.known <= d.taken THEN
		d.taken := d.known;
		d.status := 'confirmed';
		d.since := NULL;
	ELSE
		d.since := coalesce(d.since, nextval('twin.age'));
	END IF;
	UPDATE twin.debt SET known = d.known, taken = d.taken, status = d.status, since = d.since WHERE order_no = o;
END
$$;

-- What it owes has changed; must: because of a fact.
CREATE FUNCTION twin.follow(o text, must boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	d twin.debt;
	covered boolean;
BEGIN
	SELECT * INTO d FROM twin.debt WHERE order_no = o;
	covered := d.taken = d.known;
	d.known := twin.owes(d);
	IF d.known <= d.taken OR covered AND (must OR twin.fits(d.known - d.taken)) THEN
		d.taken := d.known;
		IF d.since IS NOT NULL AND d.status = 'submitted' AND NOT d.blocked THEN
			d.status := 'confirmed';
		END IF;
		d.since := NULL;
	ELSIF covered THEN
		d.since := nextval('twin.age');
	END IF;
	UPDATE twin.debt SET known = d.known, taken = d.taken, status = d.status, since = d.since WHERE order_no = o;
END
$$;

-- Those that wait, the oldest first.
CREATE FUNCTION twin.review() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	d twin.debt;
BEGIN
	FOR d IN SELECT * FROM twin.debt WHERE since IS NOT NULL ORDER BY since LOOP
		CONTINUE WHEN NOT twin.fits(d.known - d.taken);
		IF d.status = 'submitted' AND d.blocked THEN
			UPDATE twin.debt SET since = NULL WHERE order_no = d.order_no;
		ELSE
			UPDATE twin.debt SET since = NULL, taken = known, status = CASE status WHEN 'submitted' THEN 'confirmed' ELSE status END WHERE order_no = d.order_no;
		END IF;
	END LOOP;
END
$$;

-- A random step, done and told to the model; the command that did it, or null if there was nothing to do it with.
CREATE FUNCTION twin.step() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	verb text := twin.pick('place', 'place', 'place', 'place', 'cancel', 'cancel', 'change', 'change', 'cancel_line', 'ship', 'return', 'pay', 'refund', 'limit', 'pass',
		'ask', 'block', 'unblock');
	d twin.debt;
	n integer := twin.pick(1, 9);
	command text;
	made text;
BEGIN
	SELECT x.* INTO d FROM twin.debt x WHERE CASE verb
		WHEN 'cancel' THEN x.status IN ('submitted', 'confirmed') WHEN 'change' THEN x.status IN ('submitted', 'confirmed')
		WHEN 'cancel_line' THEN x.status IN ('submitted', 'confirmed') AND x.units > 1
		WHEN 'ship' THEN x.status = 'confirmed' AND x.since IS NULL WHEN 'return' THEN x.status = 'shipped' AND x.back < x.units
		WHEN 'pay' THEN x.status IN ('submitted', 'confirmed', 'shipped') AND twin.owes(x) > 0 AND x.payment IS NULL WHEN 'refund' THEN x.paid > 0 AND x.status <> 'cancelled'
		WHEN 'pass' THEN x.since IS NOT NULL WHEN 'ask' THEN x.status = 'submitted' AND NOT x.blocked
		WHEN 'block' THEN x.status = 'submitted' AND NOT x.blocked WHEN 'unblock' THEN x.status = 'submitted' AND x.blocked ELSE false END
		ORDER BY random() LIMIT 1;
	IF d.order_no IS NULL AND verb NOT IN ('place', 'limit') THEN
		RETURN NULL;
	END IF;
	CASE verb
		WHEN 'place' THEN
			d.price := twin.pick(100, 9999) / 100.0;
			command := format('SELECT order_no FROM usom.place_order(''{"customer": "C1", "lines": [{"sku": "S1", "quantity": %s, "unit_price": %s}]}'')', n, d.price);
			EXECUTE command INTO made;
			INSERT INTO twin.debt (order_no, price, units, status, known) VALUES (made, d.price, n, 'submitted', d.price * n);
			PERFORM twin.ask(made);
			RETURN command;
		WHEN 'limit' THEN
			command := format('UPDATE usom.credit_account SET limit_amount = %s', twin.pick(300, 2500));
			EXECUTE command;
		WHEN 'cancel' THEN
			command := format('SELECT usom.cancel_order(%L, NULL)', d.order_no);
			EXECUTE command;
			UPDATE twin.debt SET status = 'cancelled' WHERE order_no = d.order_no;
			PERFORM twin.follow(d.order_no, true);
			UPDATE twin.debt SET status = 'cancelled', since = NULL WHERE order_no = d.order_no;
		WHEN 'change' THEN
			command := format('SELECT usom.change_order(%L, ''{"lines": [{"line_no": 1, "quantity": %s}]}'')', d.order_no, n + d.gone);
			EXECUTE command;
			UPDATE twin.debt SET units = n WHERE order_no = d.order_no;
			PERFORM twin.follow(d.order_no, false);
		WHEN 'cancel_line' THEN
			command := format('SELECT usom.cancel_line(%L, 1, 1, NULL)', d.order_no);
			EXECUTE command;
			UPDATE twin.debt SET units = units - 1, gone = gone + 1 WHERE order_no = d.order_no;
			PERFORM twin.follow(d.order_no, true);
		WHEN 'ship' THEN
			command := format('SELECT usom.release_order(%1$L); SELECT usom.ship(%1$L)', d.order_no);
			EXECUTE command;
			UPDATE twin.debt SET status = 'shipped' WHERE order_no = d.order_no;
			RETURN command;
		WHEN 'return' THEN
			command := format('SELECT usom.receive_return(usom.authorize_return(%L, ''[{"line_no": 1, "quantity": 1}]'', NULL), NULL)', d.order_no);
			EXECUTE command;
			UPDATE twin.debt SET back = back + 1 WHERE order_no = d.order_no;
			PERFORM twin.follow(d.order_no, true);
		WHEN 'pay' THEN
			d.paid := round(twin.owes(d) * twin.pick(1, 4) / 4, 2);
			d.payment := 'pay-' || nextval('twin.age');
			command := format('SELECT usom.record_payment(%L, ''sale'', %s, %L, ''transfer'')', d.order_no, d.paid, d.payment);
			EXECUTE command;
			UPDATE twin.debt SET paid = d.paid, payment = d.payment WHERE order_no = d.order_no;
			PERFORM twin.follow(d.order_no, true);
		WHEN 'refund' THEN
			command := format('SELECT usom.record_payment(%L, ''refund'', 0.01, %L, payment_reference => %L)', d.order_no, 'back-' || nextval('twin.age'), d.payment);
			BEGIN
				EXECUTE command;
			EXCEPTION WHEN SQLSTATE 'US501' THEN
				RETURN NULL; -- all of it is on its way back already
			END;
			UPDATE twin.debt SET paid = paid - 0.01 WHERE order_no = d.order_no;
			PERFORM twin.follow(d.order_no, true);
		WHEN 'pass' THEN
			command := format('SELECT usom.release_credit_hold(%L, ''twin'')', d.order_no);
			EXECUTE command;
			UPDATE twin.debt SET since = NULL, taken = known, status = CASE WHEN status = 'submitted' AND NOT blocked THEN 'confirmed' ELSE status END WHERE order_no = d.order_no;
			RETURN command;
		WHEN 'ask' THEN
			command := CASE WHEN d.since IS NOT NULL THEN format('SELECT usom.release_hold(%L, ''credit'', NULL); ', d.order_no) ELSE '' END || format('SELECT usom.confirm_order(%L)', d.order_no);
			EXECUTE command;
			PERFORM twin.ask(d.order_no);
			RETURN command;
		WHEN 'block' THEN
			command := format('SELECT usom.hold_order(%L, ''twin'', NULL)', d.order_no);
			EXECUTE command;
			UPDATE twin.debt SET blocked = true WHERE order_no = d.order_no;
			RETURN command;
		WHEN 'unblock' THEN
			command := format('SELECT usom.release_hold(%L, ''twin'', NULL)', d.order_no);
			EXECUTE command;
			UPDATE twin.debt SET blocked = false WHERE order_no = d.order_no;
			RETURN command;
	END CASE;
	PERFORM twin.review();
	RETURN command;
END
$$;

CREATE FUNCTION twin.told() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('%s %s owes %s takes %s%s', d.order_no, d.status, trim_scale(d.known), trim_scale(d.taken), CASE WHEN d.since IS NOT NULL THEN ', waits' END)
	FROM twin.debt d
$$;

CREATE FUNCTION twin.found() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('%s %s owes %s takes %s%s', o.order_no, replace(o.status::text, 'delivered', 'shipped'), trim_scale(c.wanted), trim_scale(c.amount), CASE WHEN c.held_at IS NOT NULL THEN ', waits' END)
	FROM usom.sales_order o LEFT JOIN usom.credit_use c USING (org_id, sales_order_id)
$$;

CREATE FUNCTION twin.live(steps integer, OUT taken integer, OUT difference text) LANGUAGE plpgsql AS $$
DECLARE
	command text;
BEGIN
	taken := 0;
	FOR i IN 1..steps LOOP
		command := twin.step();
		CONTINUE WHEN command IS NULL;
		taken := taken + 1;
		difference := coalesce((SELECT string_agg(x, '; ') FROM (
				(SELECT 'found: ' || f AS x FROM twin.found() f EXCEPT SELECT 'found: ' || t FROM twin.told() t)
				UNION ALL (SELECT 'told: ' || t FROM twin.told() t EXCEPT SELECT 'told: ' || f FROM twin.found() f)) d),
			(SELECT string_agg(v::text, '; ') FROM usom.verify_credit() v));
		IF difference IS NOT NULL THEN
			difference := format('after step %s, %s: %s', i, command, difference);
			RETURN;
		END IF;
	END LOOP;
	difference := (SELECT string_agg(v::text, '; ') FROM usom.verify() v);
END
$$;

SELECT 'what orders owe, take and wait for, after each step', taken, difference FROM twin.live(200 * :cases);
