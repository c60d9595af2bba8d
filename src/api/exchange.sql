CREATE FUNCTION usom.exchange_return(return_no text, lines jsonb DEFAULT NULL, advance boolean DEFAULT false, reason text DEFAULT NULL)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_exchange_return'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.exchange_return(text, jsonb, boolean, text) IS
'Other goods for those that come back: an order of its own, for the same customer, channel, currency and address, whose parent_order_no is the order of the return. It reserves its stock at once and is on hold (type exchange) until all of the return is back and taken back; then the hold ends by itself. If some of it is not taken back, or does not come, the exception exchange_short waits for somebody who releases the hold or cancels.
return_no: a return that leave was given to. lines: what the customer gets, as in the order document; null: the same goods again, at the price they had. advance: true lets it leave before the goods are back; the exception exchange_outstanding is due when the return expires. reason: kept in the audit.
The refund of what comes back after it was placed pays for it as far as it costs something, as a payment by the method exchange; what is left is asked back like any refund, and what it costs more is to be paid like any order. What came back before is refunded already.
Returns the number of the new order; a repeated call returns the same one.
Errors: US702 unknown return, US707 it is requested, refused or cancelled, or nothing of it was taken back; those of usom.place_order().
Example: SELECT usom.exchange_return(''RT-000001'', ''[{"sku": "LAMP-RED", "quantity": 1}]'');';
