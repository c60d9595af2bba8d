CREATE FUNCTION usom.record_payment(order_no text, kind text, amount numeric, reference text, method text DEFAULT NULL,
	payment_reference text DEFAULT NULL, lines jsonb DEFAULT NULL, expires_at timestamptz DEFAULT NULL, outcome text DEFAULT 'ok',
	request text DEFAULT NULL, occurred_at timestamptz DEFAULT NULL)
RETURNS TABLE (payment_status text, order_status text, version integer, repeated boolean)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_record_payment'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.record_payment(text, text, numeric, text, text, text, jsonb, timestamptz, text, text, timestamptz) IS
'Record what the payment provider did. The same kind and reference again changes nothing and answers the same.
order_no: the order. kind: authorize, capture, sale (both at once: cash, transfer, gift card), void, refund, chargeback, reversal (the bank gives back what it charged back: whole, or of the first lines first). amount: above 0, in the currency of the order, no finer than its smallest unit. reference: the one that the provider gave for this transaction; never a card number.
method: of a new payment, see usom.payment_method (that of the document, or card); of others it tells which. payment_reference: the payment that the transaction is about; may be left out where the order has one, or a request names it.
lines: shares of the amount, [{"line_no": 1, "amount": 5.00, "tax": 0.83}], of a refund also {"line_no": 1, "quantity": 2} (units that came back or were cancelled) or {"line_no": 1, "freight": 4.90}; null: as asked for, or in proportion to what the lines cost. expires_at: of an authorisation; null: valid_for of the method.
outcome: ok or failed; what failed moves no money, and what was asked for is free again. request: the request that is answered, as its event names it; null: the oldest that wants just this kind and amount. occurred_at: null: now.
Captured is never above authorised, refunded and asked for never above captured, of the payment, of each line, and of its tax. An order that has ended stays so: what is captured for it then shows as paid_unallocated, with a case.
Returns the state of payment of the order (see usom.orders), its status and version, and whether the transaction was recorded before.
Errors: US105 unknown order, US501 above a ceiling, US502 card number, US503 the authorisation has expired and the method refuses that, US504 reference taken, US505 no payment, US506 unknown payment or request, US106 unknown line.
Example: SELECT * FROM usom.record_payment(''SO-000001'', ''capture'', 19.90, ''psp-capture-1'', request => ''SO-000001/1'');';

CREATE FUNCTION usom.authorize_payment(order_no text, amount numeric, reference text, method text DEFAULT NULL, expires_at timestamptz DEFAULT NULL)
RETURNS TABLE (payment_status text, order_status text, version integer, repeated boolean)
LANGUAGE sql
SET search_path = pg_catalog, usom, pg_temp
AS $$SELECT * FROM usom.record_payment($1, 'authorize', $2, $3, method => $4, expires_at => $5)$$;
COMMENT ON FUNCTION usom.authorize_payment(text, numeric, text, text, timestamptz) IS
'Record that an amount is authorised: record_payment() with kind authorize. It covers the order until expires_at (null: valid_for of the method), ends holds that wait for cover, and is captured shipment by shipment.
order_no: the order. amount: in its currency. reference: of the authorisation. method: null: that of the document, or card.
Errors: as record_payment(). Example: SELECT * FROM usom.authorize_payment(''SO-000001'', 59.70, ''psp-1'', ''card'');';

CREATE FUNCTION usom.capture_payment(order_no text, amount numeric, reference text, payment_reference text DEFAULT NULL, request text DEFAULT NULL)
RETURNS TABLE (payment_status text, order_status text, version integer, repeated boolean)
LANGUAGE sql
SET search_path = pg_catalog, usom, pg_temp
AS $$SELECT * FROM usom.record_payment($1, 'capture', $2, $3, payment_reference => $4, request => $5)$$;
COMMENT ON FUNCTION usom.capture_payment(text, numeric, text, text, text) IS
'Record that an amount was captured: record_payment() with kind capture.
order_no: the order. amount: in its currency. reference: of the capture. payment_reference: of the authorisation, where the order has several. request: as the event capture_wanted names it.
Errors: as record_payment(), US501 above what is authorised. Example: SELECT * FROM usom.capture_payment(''SO-000001'', 19.90, ''psp-capture-1'');';

CREATE FUNCTION usom.void_payment(order_no text, amount numeric, reference text, payment_reference text DEFAULT NULL, request text DEFAULT NULL)
RETURNS TABLE (payment_status text, order_status text, version integer, repeated boolean)
LANGUAGE sql
SET search_path = pg_catalog, usom, pg_temp
AS $$SELECT * FROM usom.record_payment($1, 'void', $2, $3, payment_reference => $4, request => $5)$$;
COMMENT ON FUNCTION usom.void_payment(text, numeric, text, text, text) IS
'Record that an authorisation was given up, or a part of it: record_payment() with kind void.
order_no: the order. amount: in its currency. reference: of the void. payment_reference: of the authorisation, where the order has several. request: as the event void_wanted names it.
Errors: as record_payment(), US501 above what is authorised and not captured. Example: SELECT * FROM usom.void_payment(''SO-000001'', 19.90, ''psp-void-1'');';

CREATE FUNCTION usom.refund_payment(order_no text, amount numeric, reference text, payment_reference text DEFAULT NULL, request text DEFAULT NULL, lines jsonb DEFAULT NULL)
RETURNS TABLE (payment_status text, order_status text, version integer, repeated boolean)
LANGUAGE sql
SET search_path = pg_catalog, usom, pg_temp
AS $$SELECT * FROM usom.record_payment($1, 'refund', $2, $3, payment_reference => $4, request => $5, lines => $6)$$;
COMMENT ON FUNCTION usom.refund_payment(text, numeric, text, text, text, jsonb) IS
'Record that an amount was refunded: record_payment() with kind refund. To ask the provider for a refund, call refund_order().
order_no: the order. amount: in its currency. reference: of the refund. payment_reference: of the payment, where the order has several. request: as the event refund_wanted names it. lines: shares of it; null: as asked for, or in proportion.
Errors: as record_payment(), US501 above what was captured. Example: SELECT * FROM usom.refund_payment(''SO-000001'', 5.00, ''psp-refund-1'', lines => ''[{"line_no": 1, "amount": 5.00}]'');';

CREATE FUNCTION usom.charge_back(order_no text, amount numeric, reference text, payment_reference text DEFAULT NULL)
RETURNS TABLE (payment_status text, order_status text, version integer, repeated boolean)
LANGUAGE sql
SET search_path = pg_catalog, usom, pg_temp
AS $$SELECT * FROM usom.record_payment($1, 'chargeback', $2, $3, payment_reference => $4)$$;
COMMENT ON FUNCTION usom.charge_back(text, numeric, text, text) IS
'Record that the buyer''s bank took an amount back: record_payment() with kind chargeback.
order_no: the order. amount: in its currency. reference: of the chargeback. payment_reference: of the payment, where the order has several.
Errors: as record_payment(), US501 above what was captured and neither refunded nor asked to be. Example: SELECT * FROM usom.charge_back(''SO-000001'', 59.70, ''psp-dispute-1'');';

CREATE FUNCTION usom.complete_order(order_no text, amount numeric, reference text, method text DEFAULT NULL)
RETURNS TABLE (payment_status text, order_status text, version integer, repeated boolean)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_complete_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.complete_order(text, numeric, text, text) IS
'The buyer has paid: record the sale and take an order that waits as draft or submitted as far as the rules allow, in one. Called twice, by the message of the provider and by the browser, it is done once; every call answers what came of it.
order_no: the order. amount: paid, in its currency. reference: of the provider. method: null: that of the document, or card.
If stock was sold meanwhile the order waits, and shows as paid_unallocated until it is filled, a date is promised, or money goes back by cancel_order() or refund_order(). An order that has ended stays so.
Returns the state of payment, status and version of the order, and whether the sale was recorded before.
Errors: as record_payment() and submit_order(). Example: SELECT * FROM usom.complete_order(''SO-000001'', 59.70, ''psp-1'');';

CREATE FUNCTION usom.refund_order(order_no text, amount numeric DEFAULT NULL, lines jsonb DEFAULT NULL, reason text DEFAULT NULL)
RETURNS TABLE (amount_wanted numeric, requests integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_refund_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.refund_order(text, numeric, jsonb, text) IS
'Ask for a refund: it counts as wanted from now on, and leaves as an event refund_wanted for each payment, the last one first. What comes back by receive_return() or is cancelled is asked for by itself.
order_no: the order. amount: in its currency, in proportion to what was captured for the lines. lines: [{"line_no": 1, "amount": 5.00, "tax": 0.83}], {"line_no": 1, "freight": 4.90}, or {"line_no": 1, "quantity": 2} for units that came back or were cancelled. Neither: what is paid_unallocated. reason: why.
Returns the amount and how many requests it became; record_payment() takes the answers.
Errors: US105 unknown order, US106 unknown line, US501 above what was captured for the payment, the line, its tax or its freight, or for units that did not come back, US505 unreadable lines, US603 nothing to refund.
Example: SELECT * FROM usom.refund_order(''SO-000001'', lines => ''[{"line_no": 1, "amount": 5.00}]'', reason => ''scratched'');';

CREATE FUNCTION usom.collect_payment(order_no text)
RETURNS TABLE (amount_wanted numeric, requests integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_collect_payment'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.collect_payment(text) IS
'Ask to capture what has left and is neither captured nor asked for: after a capture has failed, or another authorisation has come.
order_no: the order.
Returns the amount and how many requests it became.
Errors: US105 unknown order. Example: SELECT * FROM usom.collect_payment(''SO-000001'');';
