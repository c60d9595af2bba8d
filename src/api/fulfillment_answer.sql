CREATE FUNCTION usom.record_fulfillment(fulfillment_no text, message_id text, kind text, lines jsonb DEFAULT NULL,
	reference text DEFAULT NULL, carrier text DEFAULT NULL, tracking text DEFAULT NULL, reason text DEFAULT NULL)
RETURNS TABLE (outcome text, shipment_no text)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_record_fulfillment'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.record_fulfillment(text, text, text, jsonb, text, text, text, text) IS
'Record what the outside system of a warehouse says about a hand-over (event fulfillment_sent, usom.fulfillments). Messages may come in any order, late or more than once.
fulfillment_no: the hand-over. message_id: key of the message; the same once more changes nothing and answers as before. kind: accepted; picked, packed, shipped (units that are so far, beside those of earlier messages of the kind; shipped makes a shipment, and what was shipped counts as picked and packed); short and rejected (units that are missing, or that the warehouse will not do: reserved again, a case fulfillment_rejected; correct the shelf with adjust_stock() or count_stock(), and reallocate_order() sources them anew); cancelled and cancel_refused (answers to requests at its location, see usom.warehouse_requests; cancelled without a request is as rejected). lines: [{"line_no": 1, "quantity": 2}], with lot and serials as for ship(); null: all that is left. reference: number that the outside system gave. carrier, tracking: of the shipment. reason: kept.
Returns outcome: applied; partly, where units were not there any more or were known of; late, where nothing was left to do; and the number of the shipment that it made. Units that were shipped and should not have been are a case shipped_too_much.
Errors: US630 unknown hand-over, US801 the key came with another message, US106 unknown line, US108 unreadable lines or a line that was not handed over, US102 a hold blocks ship, US201 the order ships complete, 22023 unknown kind, 22004 a null.
Example: SELECT * FROM usom.record_fulfillment(''FU-000001'', ''m-17'', ''shipped'', ''[{"line_no": 1, "quantity": 2}]'', carrier => ''DHL'', tracking => ''JD014600003'');';
