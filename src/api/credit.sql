CREATE FUNCTION usom.release_credit_hold(order_no text, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_release_credit_hold'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.release_credit_hold(text, text) IS
'Let an order pass that credit holds, whatever the limit says, and confirm it unless something else holds it.
order_no: the order. reason: why the customer may owe more; it stands with the hold, in the history and in the audit. How much of it is beyond the limit stands in usom.credit_position().
release_hold() only takes the hold away: at the next step the order is checked, and held, again.
Returns the status and version of the order.
Errors: US105 unknown order, US107 if no credit hold is active, 22004 and 22023 without a reason.
Example: SELECT * FROM usom.release_credit_hold(''SO-000001'', ''guaranteed by the bank until March'');';

CREATE FUNCTION usom._review_credit(org_id bigint, customer_id bigint)
RETURNS TABLE (order_no text, status text)
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'usom__review_credit'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom._review_credit(bigint, bigint) IS 'Orders of a customer that credit holds go on as far as there is room.';
REVOKE ALL ON FUNCTION usom._review_credit(bigint, bigint) FROM PUBLIC;

CREATE FUNCTION usom._review_credits(org_id bigint) RETURNS bigint
LANGUAGE sql VOLATILE STRICT
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT count(*) FROM (
		SELECT DISTINCT a.customer_id
		FROM usom.credit_account a
		WHERE a.org_id = $1 AND (a.exposure < a.limit_amount OR a.check_at = 'none' OR NOT a.active)
			AND EXISTS (SELECT FROM usom.credit_use c WHERE c.org_id = $1 AND c.credit_account_id = a.credit_account_id AND c.held_at IS NOT NULL
				AND (a.exposure + c.wanted - c.amount <= a.limit_amount OR a.check_at = 'none' OR NOT a.active))
		ORDER BY a.customer_id
	) w CROSS JOIN LATERAL usom._review_credit($1, w.customer_id)
$$;
COMMENT ON FUNCTION usom._review_credits(bigint) IS 'The same for all customers of an organisation with orders that fit: part of tick(). Returns the number of orders.';
REVOKE ALL ON FUNCTION usom._review_credits(bigint) FROM PUBLIC;

CREATE FUNCTION usom.review_credit(customer text)
RETURNS TABLE (order_no text, status text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_review_credit'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.review_credit(text) IS
'Orders of a customer that credit holds go on as far as there is room, the oldest first; one that does not fit lets smaller ones pass. Payments, cancellations, returns and a higher limit do this by themselves, and tick() for orders that somebody else was working on just then.
customer: code. Returns the orders that are held no more.
Errors: US511 if the customer has no account.
Example: SELECT * FROM usom.review_credit(''ACME'');';
