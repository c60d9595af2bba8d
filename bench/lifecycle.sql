-- The lives that lifecycle.sh times: two orders a turn and peer, one goes all
-- the way, the other is cancelled.
CREATE TABLE bench.took (peer text, turn integer, place integer, step text, us numeric, statements bigint, wal numeric);

CREATE PROCEDURE bench.life(peer text, turn integer, document jsonb, which text) LANGUAGE plpgsql AS $$
DECLARE
	ours boolean := peer = 'usom';
	-- The first step gives the order its number, ship the shipment's.
	steps text[] := CASE which WHEN 'whole' THEN '{draft,confirm,hold,release hold,release,pick,ship,deliver}' ELSE '{place,cancel}' END;
	step text;
	number text;
	shipment text;
	since timestamptz;
	statements bigint;
	wal pg_lsn;
	us numeric;
	bytes numeric;
BEGIN
	FOREACH step IN ARRAY steps LOOP
		statements := usom._statement_count();
		wal := pg_current_wal_insert_lsn();
		since := clock_timestamp();
		CASE step
		WHEN 'draft' THEN
			IF ours THEN number := (SELECT p.order_no FROM usom.place_order(document || '{"draft": true}') p); ELSE number := twin.draft_order(document); END IF;
		WHEN 'place' THEN
			IF ours THEN number := (SELECT p.order_no FROM usom.place_order(document) p); ELSE number := (SELECT p.order_no FROM twin.place_order(document) p); END IF;
		WHEN 'confirm' THEN
			IF ours THEN PERFORM usom.submit_order(number); ELSE PERFORM twin.submit_order(number); END IF;
		WHEN 'hold' THEN
			IF ours THEN PERFORM usom.hold_order(number, 'manual', 'asked for'); ELSE PERFORM twin.hold_order(number, 'manual', 'asked for'); END IF;
		WHEN 'release hold' THEN
			IF ours THEN PERFORM usom.release_hold(number, 'manual', 'done'); ELSE PERFORM twin.release_hold(number, 'manual', 'done'); END IF;
		WHEN 'release' THEN
			IF ours THEN PERFORM usom.release_order(number); ELSE PERFORM twin.release_order(number); END IF;
		WHEN 'pick' THEN
			IF ours THEN PERFORM usom.pick(number); ELSE PERFORM twin.pick(number); END IF;
		WHEN 'ship' THEN
			IF ours THEN shipment := usom.ship(number); ELSE shipment := twin.ship(number); END IF;
		WHEN 'deliver' THEN
			IF ours THEN PERFORM usom.deliver(shipment); ELSE PERFORM twin.deliver(shipment); END IF;
		ELSE
			IF ours THEN PERFORM usom.cancel_order(number, 'no longer wanted'); ELSE PERFORM twin.cancel_order(number, 'no longer wanted'); END IF;
		END CASE;
		-- The clock, the counter and the WAL are read before anything is written.
		us := extract(epoch FROM clock_timestamp() - since) * 1e6;
		statements := usom._statement_count() - statements;
		bytes := pg_current_wal_insert_lsn() - wal;
		INSERT INTO bench.took VALUES (peer, turn, array_position('{place,draft,confirm,hold,release hold,release,pick,ship,deliver,cancel}', step), step, us, statements, bytes);
		COMMIT;
	END LOOP;
END
$$;

CREATE PROCEDURE bench.lives(first integer, orders integer) LANGUAGE plpgsql AS $$
DECLARE
	products integer := (SELECT count(*) FROM usom.product);
	document jsonb;
	peer text;
	which text;
BEGIN
	FOR turn IN first .. first + orders - 1 LOOP
		FOREACH which IN ARRAY '{whole,cancelled}'::text[] LOOP
			FOREACH peer IN ARRAY CASE turn % 2 WHEN 0 THEN '{usom,twin}' ELSE '{twin,usom}' END::text[] LOOP
				document := (SELECT jsonb_build_object('channel', 'web', 'customer', 'C1', 'external_id', format('%s-%s', which, turn), 'lines',
					jsonb_agg(jsonb_build_object('sku', 'P' || 1 + (turn * 7919 + k * 211) % products, 'quantity', k, 'unit_price', 2.55))) FROM generate_series(1, 5) k);
				CALL bench.life(peer, turn, document, which);
			END LOOP;
		END LOOP;
	END LOOP;
END
$$;

-- What is not the same at both: sums of stock, pieces by status, movements.
CREATE FUNCTION bench.life_differs() RETURNS text LANGUAGE sql AS $$
	WITH both_have (what, usom, twin) AS (
		SELECT 'units reserved', (SELECT sum(reserved) FROM usom.stock), (SELECT sum(reserved) FROM twin.stock)
		UNION ALL
		SELECT 'units on hand', (SELECT sum(on_hand) FROM usom.stock), (SELECT sum(on_hand) FROM twin.stock)
		UNION ALL
		SELECT 'movements of shipments', (SELECT count(*) FROM usom.stock_movement WHERE kind = 'shipment'), (SELECT count(*) FROM twin.stock_movement)
		UNION ALL
		SELECT 'pieces ' || s, (SELECT count(*) FROM usom.order_pieces p JOIN usom.orders o USING (order_no) WHERE o.external_id <> 'model' AND p.status = s),
			(SELECT count(*) FROM twin.reservation WHERE status = s)
		FROM unnest('{reserved,backordered,released,picked,shipped,delivered,cancelled}'::text[]) AS s
		UNION ALL
		SELECT 'orders ' || s, (SELECT count(*) FROM usom.orders WHERE external_id <> 'model' AND status = s), (SELECT count(*) FROM twin.orders WHERE status = s)
		FROM unnest('{draft,confirmed,processing,shipped,delivered,cancelled}'::text[]) AS s
	)
	-- The model order, of fifteen units, is usom's alone.
	SELECT string_agg(format('%s: usom %s, twin %s', what, usom, twin), '; ') FROM both_have WHERE usom - CASE what WHEN 'units reserved' THEN 15 ELSE 0 END <> twin
$$;
