CREATE FUNCTION usom.approve_order(order_no text, reason text, queue text DEFAULT NULL, digest text DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_approve_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.approve_order(text, text, text, text) IS
'Say yes to what is asked about an order in usom.approvals. The last yes that is missing ends its approval hold, and an order that is submitted goes on to confirmed in the same call, unless something else holds it.
order_no: the order. reason: why; may be null. queue: as which queue; null: all that wait for the caller. digest: of usom.approvals, so that the decision is about what was read there; null: about what could be seen when the call began.
Members of the queue decide, and from escalates_at on those of the queue it escalates to. Nobody decides about an order that they placed or changed: see apart_by of usom.approval_rule.
Returns the status and version of the order.
Errors: US105 unknown order, US130 nothing waits, US131 not of the queue, US132 an order of one''s own, US133 expired, US134 the order is not any more what was asked about.
Example: SELECT * FROM usom.approve_order(''SO-000001'', ''long-standing customer'');';

CREATE FUNCTION usom.decline_order(order_no text, reason text, queue text DEFAULT NULL, digest text DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_decline_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.decline_order(text, text, text, text) IS
'Say no to what is asked about an order in usom.approvals. By what the rule says (if_declined), the order is rejected if it is only submitted, or stays held until it is changed, which asks anew, or cancelled.
order_no: the order. reason: why; must be given. queue, digest: as in approve_order().
Returns the status and version of the order.
Errors: as approve_order(), and 22004 without a reason.
Example: SELECT * FROM usom.decline_order(''SO-000001'', ''unknown buyer, large sum'');';

CREATE FUNCTION usom.request_approval(order_no text, reason text DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_request_approval'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.request_approval(text, text) IS
'Hold an order against the approval rules as they are now: what has expired is asked anew, what no rule asks any more is not waited for, what new rules ask is asked. Answers in time about what the order says stay, refusals too.
order_no: the order. reason: why.
Returns the status and version of the order.
Errors: US105 unknown order, US101 if it is a draft, shipped or over.
Example: SELECT * FROM usom.request_approval(''SO-000001'', ''asked last week, nobody had time'');';

CREATE FUNCTION usom.score_order(order_no text, score integer, reason text DEFAULT NULL)
RETURNS TABLE (status text, version integer)
LANGUAGE c AS 'MODULE_PATHNAME', 'usom_score_order'
SET search_path = pg_catalog, usom, pg_temp;
COMMENT ON FUNCTION usom.score_order(text, integer, text) IS
'Tell what an assessment outside says about the risk of an order. The last score counts; approval rules that look at it are asked at once.
order_no: the order. score: 0, no risk, to 100. reason: why, or who says so.
Returns the status and version of the order.
Errors: US105 unknown order, US101 if it is closed, cancelled or rejected, 23514 for a score beyond 0 to 100.
Example: SELECT * FROM usom.score_order(''SO-000001'', 85, ''new device, address of a forwarder'');';
