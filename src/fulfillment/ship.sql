CREATE FUNCTION usom.void_shipment(shipment_no text, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_void_shipment'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.void_shipment(text, text) IS
'Make a shipment void that no carrier took: its units never left. They are back in the stock of their location and stay reserved for the order, as far on as the location asks for; packages stay packed. Writes the events shipment_void and, where ship() told what is to be invoiced, invoice_void. A shipment that is void already is left as it is.
shipment_no: as ship() gave it. reason: kept in the audit.
Returns the status and version of the order.
Errors: US602 unknown shipment, US625 a carrier has it: it stands on a closed manifest, was heard of, or some of it came back; US101 it was delivered or returned.
Example: SELECT * FROM usom.void_shipment(''SH-000001'', ''wrong label'');';

CREATE FUNCTION usom.close_manifest(location text, carrier text DEFAULT NULL)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_close_manifest'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.close_manifest(text, text) IS
'A carrier has taken what stood ready for it at a location: all its shipments that are shipped and on no manifest yet. They cannot be made void any more.
location: code. carrier: as ship() was told; null: shipments without one.
Returns the number of the manifest; usom.manifests shows what is on it, usom.manifest_sheet() gives it as JSON.
Errors: US006 unknown location, US603 nothing stands ready.
Example: SELECT usom.close_manifest(''MAIN'', ''DHL'');';

CREATE FUNCTION usom.record_tracking(tracking text, kind text, occurred_at timestamptz DEFAULT now(), message_id text DEFAULT NULL, place text DEFAULT NULL, note text DEFAULT NULL, carrier text DEFAULT NULL)
RETURNS TABLE (shipment_no text, status text, counted boolean)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_record_tracking'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.record_tracking(text, text, timestamptz, text, text, text, text) IS
'Note what a carrier says of a shipment. Messages may come late, in any order, and twice: all are kept, and one counts if there is such a step and nothing later was heard; that a shipment has arrived counts whenever it is heard. Of a shipment with several packages that have numbers of their own, the last one that arrives brings it. What fails is a case delivery_failed and an event; what cannot be (a void shipment moves) a case tracking_conflict.
tracking: number of the shipment, or the carrier''s number of it or of a package; shipments that share it are told all. kind: info, in_transit, out_for_delivery, delivered, failed, returning or lost. occurred_at: when, by the carrier. message_id: the carrier''s key of the message. place, note: its words, nothing about people. carrier: to tell equal numbers apart.
Returns for each shipment its status now, and whether the message counted.
Errors: US602 nobody has this number, US626 unknown kind.
Example: SELECT * FROM usom.record_tracking(''JD014600003'', ''in_transit'', message_id => ''e-17'', place => ''Leipzig'');';

CREATE FUNCTION usom.fail_delivery(shipment_no text, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_fail_delivery'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.fail_delivery(text, text) IS
'Note that a shipment could not be delivered. It is a case delivery_failed until somebody decides: retry_delivery(), return_to_sender(), lose_shipment(), or it is delivered after all. Writes the event delivery_failed. Repeated, it changes nothing.
shipment_no: as ship() gave it. reason: kept in the audit and told by the event; nothing about people.
Returns the status and version of the order.
Errors: US602 unknown shipment, US101 it was delivered, is void, or comes back.
Example: SELECT * FROM usom.fail_delivery(''SH-000001'', ''nobody there'');';

CREATE FUNCTION usom.retry_delivery(shipment_no text, reason text DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_retry_delivery'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.retry_delivery(text, text) IS
'Have a shipment that failed delivered again: it is in transit, its case is settled. Writes the event redelivery_wanted, which the carrier''s system reads. Repeated, it changes nothing.
shipment_no: as ship() gave it. reason: kept in the audit and told by the event.
Returns the status and version of the order.
Errors: US602 unknown shipment, US101 it has not failed.
Example: SELECT * FROM usom.retry_delivery(''SH-000001'', ''tomorrow before noon'');';

CREATE FUNCTION usom.return_to_sender(shipment_no text, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_return_to_sender'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.return_to_sender(text, text) IS
'Have a shipment brought back that does not arrive. Its units are on their way until they are received. Writes the event return_to_sender. Repeated, it changes nothing.
shipment_no: as ship() gave it. reason: kept in the audit and told by the event.
Returns the status and version of the order.
Errors: US602 unknown shipment, US101 it was delivered, is void, or has come back.
Example: SELECT * FROM usom.return_to_sender(''SH-000001'', ''refused'');';

CREATE FUNCTION usom.lose_shipment(shipment_no text, reason text)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_lose_shipment'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.lose_shipment(text, text) IS
'Give a shipment up that does not arrive and does not come back. It is a case shipment_lost until it turns up; the customer''s money or goods are for people to decide about. Writes the event shipment_lost. Repeated, it changes nothing.
shipment_no: as ship() gave it. reason: kept in the audit and told by the event.
Returns the status and version of the order.
Errors: US602 unknown shipment, US101 it was delivered, is void, or has come back.
Example: SELECT * FROM usom.lose_shipment(''SH-000001'', ''not heard of for four weeks'');';
