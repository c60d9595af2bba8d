-- Digital orders: nothing is sent.

CREATE FUNCTION usom.grant_order(order_no text, reference text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, usom, pg_temp
AS $$
DECLARE
	the record;
	granted text;
BEGIN
	PERFORM usom._check_installed(), usom._check_card('order_no', order_no), usom._check_card('reference', reference);
	SELECT o.order_type, o.status INTO the FROM usom.orders o WHERE o.order_no = grant_order.order_no;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no order "%"', order_no USING ERRCODE = 'US105', HINT = 'Look it up in usom.orders.';
	ELSIF the.order_type <> 'digital' THEN
		RAISE EXCEPTION 'order "%" is not digital', order_no USING ERRCODE = 'US603', DETAIL = format('Its type is %s.', the.order_type),
			HINT = format('SELECT usom.ship(%L);', order_no);
	ELSIF the.status IN ('delivered', 'closed') THEN
		SELECT s.shipment_no INTO granted FROM usom.shipments s WHERE s.order_no = grant_order.order_no ORDER BY s.shipped_at DESC, s.shipment_no DESC LIMIT 1;
		RETURN granted;
	END IF;
	PERFORM usom.release_order(order_no);
	granted := usom.ship(order_no, tracking => reference);
	IF granted IS NOT NULL THEN
		PERFORM usom.deliver(granted);
	END IF;
	RETURN granted;
END
$$;
COMMENT ON FUNCTION usom.grant_order(text, text) IS
'Hand over what a digital order is about: licences, downloads, access. Nothing is sent: its units are released, shipped and delivered in one call, after the same checks and holds as goods. Its products are services (kind), which no stock is kept of.
order_no: the order. reference: what the customer is told, for example the number of the licence; it is the tracking of the shipment. No secrets: who may see shipments reads it.
Returns the number of the shipment; null if a check has put the order on hold instead. A repeated call returns the number again.
Errors: US105 unknown order, US603 an order of another type, US101 one that is not confirmed, US102 one that is held.
Example: SELECT usom.grant_order(''SO-000001'', ''licence 4711'');';
