CREATE FUNCTION usom.book_appointment(order_no text, line_no integer, starts_at timestamptz, technician text DEFAULT NULL, minutes integer DEFAULT NULL)
RETURNS TABLE (appointment_no text, technician text, starts_at timestamptz, ends_at timestamptz)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_book_appointment'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.book_appointment(text, integer, timestamptz, text, integer) IS
'Book a technician for a line of a service order, and reserve the parts of the order with it: what waits is planned in the same call, and all of it must be there, or promised for before the appointment begins. Writes the event appointment_booked.
order_no, line_no: a line with a service, of an order of type service. starts_at: when it begins. technician: code; null: the first by code who can. minutes: length; null: that of usom.service_work, or an hour.
The technician needs the skills that service_work asks for, works then, and has nothing else: nobody is booked twice for one time, whoever asks first.
Errors: US105 or US106 unknown order or line, US006 unknown technician, US101 the order does not run, US102 a hold blocks release, US650 no service, US657 the line has an appointment, US651 busy, US652 nobody fits, US653 parts are missing, 22023 minutes or a time that are none.
Example: SELECT * FROM usom.book_appointment(''SO-000001'', 1, ''2027-03-01 09:00+00'');';

CREATE FUNCTION usom.move_appointment(appointment_no text, starts_at timestamptz, technician text DEFAULT NULL, reason text DEFAULT NULL)
RETURNS TABLE (appointment_no text, technician text, starts_at timestamptz, ends_at timestamptz)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_move_appointment'
VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.move_appointment(text, timestamptz, text, text) IS
'Another time or technician for an appointment: a new one takes its place, of the same length, in one step; if that cannot be, the old one stands. Writes the event appointment_moved.
appointment_no: one of an order that stands. starts_at: when the new one begins. technician: code; null: the same. reason: why.
Errors: US654 unknown appointment, US655 it does not stand, or is an absence, and those of usom.book_appointment().
Example: SELECT * FROM usom.move_appointment(''AP-000001'', ''2027-03-02 09:00+00'', reason => ''the customer asked'');';

CREATE FUNCTION usom.cancel_appointment(appointment_no text, reason text DEFAULT NULL)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_cancel_appointment'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.cancel_appointment(text, text) IS
'Nobody comes: the time of the technician is free again; an absence ends the same way. The order keeps its parts and waits for another appointment; usom.cancel_order() cancels the appointments of an order by itself. Writes the event appointment_cancelled.
appointment_no: one that stands. reason: why. Returns the status, cancelled. A repeated call changes nothing.
Errors: US654 unknown appointment, US655 it is done, moved or has failed.
Example: SELECT usom.cancel_appointment(''AP-000001'', ''the customer is ill'');';

CREATE FUNCTION usom.fail_appointment(appointment_no text, reason text)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_fail_appointment'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.fail_appointment(text, text) IS
'The technician came and could not work: nobody at home, no access. The line stands in usom.exceptions as appointment_failed until it has another appointment; parts stay reserved. Writes the event appointment_failed.
appointment_no: one that stands. reason: why. Returns the status, failed. A repeated call changes nothing.
Errors: US654 unknown appointment, US655 it is done, moved, cancelled, or an absence.
Example: SELECT usom.fail_appointment(''AP-000001'', ''nobody at home'');';

CREATE FUNCTION usom.block_technician(technician text, starts_at timestamptz, ends_at timestamptz, reason text)
RETURNS text
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_block_technician'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.block_technician(text, timestamptz, timestamptz, text) IS
'A technician is away from when to when: leave, training. Returns the number, which usom.cancel_appointment() takes.
technician: code. reason: why; it needs to say no more than colleagues may know.
Errors: US006 unknown technician, US651 there are appointments then: move them first, 22023 times that are none.
Example: SELECT usom.block_technician(''ANN'', ''2027-08-01 00:00+00'', ''2027-08-15 00:00+00'', ''leave'');';

CREATE FUNCTION usom.complete_service(appointment_no text, report jsonb)
RETURNS jsonb
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_complete_service'
VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.complete_service(text, jsonb) IS
'The work is done: the service and the parts that were used are shipped and delivered in one, and the completion paper is written. With the last service of the order, parts that were not used go back to the shelf: they are cancelled, and money follows.
appointment_no: one that stands. report: {"work": "text", "started_at": "time", "finished_at": "time", "accepted": true, "parts": [{"line_no": 2, "quantity": 1}]}; all keys may be left out. Without parts all parts of the order were used, if it is its last service, or else none. accepted: did the customer accept the work; false opens a case service_not_accepted.
Returns the paper, as usom.service_papers shows it; null if a check has put the order on hold. A repeated call answers as the first.
Errors: US654 unknown appointment, US655 it does not stand, US656 the report cannot be read, US106 or US108 for its parts, and those of usom.ship(): US102 a hold, US601 more parts than there are.
Example: SELECT usom.complete_service(''AP-000001'', ''{"work": "burner replaced", "parts": [{"line_no": 2, "quantity": 1}], "accepted": true}'');';
