-- EDI and UBL in the JSON of tools/intake: orders, changes, cancellations, what cannot be read.  The files themselves: test/intake.
SET client_min_messages = warning;
SET timezone = 'UTC';
INSERT INTO usom.organisation (code) VALUES ('edi');
SET usom.org = 'edi';
INSERT INTO usom.location (code) VALUES ('ED-W');
INSERT INTO usom.product (sku) VALUES ('AB3542'), ('RD5322'), ('XY5266'), ('17589683');
INSERT INTO usom.product_unit (sku, unit, quantity) VALUES ('RD5322', 'CA', 12);
SELECT count(*) FROM usom.product p, usom.receive_stock('ED-W', p.sku, 500) WHERE p.org_id = usom.current_org();
INSERT INTO usom.customer (code) VALUES ('XYZ'), ('IYT');
SELECT count(usom.add_mapping(code, 'edi')) FROM usom.standard_mappings() WHERE code ~ '^(edi|x12|edifact|tradacoms|ubl)_';
INSERT INTO usom.mapping_value (list, source, target) VALUES ('party', '0003947268292', 'XYZ'), ('party', '8711576000012', 'XYZ'), ('party', 'GT00978567', 'IYT');
CREATE FUNCTION pg_temp.took(payload jsonb, revision integer DEFAULT NULL)
RETURNS TABLE (status text, outcome text, path text, source text, code text, message text) LANGUAGE sql AS $$
	SELECT i.status, i.outcome, f->>'path', f->>'source', f->>'code', f->>'message'
	FROM usom.ingest('edi', payload, NULL, revision) i LEFT JOIN jsonb_array_elements(i.findings) f ON true
$$;
CREATE FUNCTION pg_temp.lines(external_id text) RETURNS TABLE (line_no integer, sku text, status text, quantity numeric, unit_price numeric, cancelled numeric) LANGUAGE sql AS $$
	SELECT l.line_no, l.sku, l.status, l.quantity, l.unit_price, l.quantity_cancelled FROM usom.orders o JOIN usom.order_lines l USING (order_no) WHERE o.external_id = $1 ORDER BY 1
$$;

-- An 850: the supplier's number of the product.
SELECT '{"format": "x12", "type": "850", "version": "004010", "interchange": {"sender": "4405197800"}, "control": "0001",
	"BEG": [{"at": 4, "BEG01": "00", "BEG02": "SA", "BEG03": "PO-1", "BEG05": "20261102"}], "CUR": [{"CUR01": "BY", "CUR02": "usd"}],
	"DTM": [{"DTM01": "002", "DTM02": "20301214"}], "N9": [{"N901": "ZZ", "MSG": [{"MSG01": "ring"}, {"MSG01": "twice"}]}],
	"N1": [{"N101": "BY", "N104": "0003947268292"}, {"N101": "ST", "N102": "XYZ RETAIL", "N3": [{"N301": "31875 SOLON RD"}], "N4": [{"N401": "SOLON", "N402": "oh", "N403": "44139"}]}],
	"PO1": [{"PO101": "1", "PO102": "120", "PO103": "EA", "PO104": "9.25", "ids": {"CB": "065322-117", "VN": "AB3542"}},
		{"PO101": "2", "PO102": "48", "PO103": "EA", "PO104": "13.79", "ids": {"VN": "RD5322"}, "DTM": [{"DTM01": "002", "DTM02": "20301221"}]}]}' AS x850 \gset
SELECT * FROM pg_temp.took(:'x850');
SELECT o.customer, o.currency, o.total, o.placed_at, o.requested_at, o.instructions, a.name, a.line1, a.city, a.region, a.postcode
FROM usom.orders o CROSS JOIN LATERAL (SELECT document->'ship_to'->>'name' AS name, document->'ship_to'->>'line1' AS line1, document->'ship_to'->>'city' AS city,
	document->'ship_to'->>'region' AS region, document->'ship_to'->>'postcode' AS postcode FROM usom.map_payload('edi', :'x850')) a WHERE o.external_id = 'PO-1';
SELECT * FROM pg_temp.lines('PO-1');

-- An 860: one line less, one more expensive, one added, one that stays; the same again; an older one; one of a line that is not there.
SELECT '{"format": "x12", "type": "860", "interchange": {"sender": "4405197800"}, "BCH": [{"BCH01": "04", "BCH02": "SA", "BCH03": "PO-1", "BCH05": "1"}],
	"POC": [{"POC01": "1", "POC02": "QD", "POC03": "100", "POC05": "EA", "POC06": "9.25", "ids": {"VN": "AB3542"}},
		{"POC01": "2", "POC02": "PQ", "POC03": "60", "POC05": ["EA", "x"], "POC06": "13.50", "ids": {"VN": "RD5322"}},
		{"POC01": "3", "POC02": "AI", "POC03": "7", "POC05": "EA", "POC06": "10.99", "ids": {"VN": "XY5266"}},
		{"POC01": "1", "POC02": "NC", "ids": {"VN": "AB3542"}}]}' AS x860 \gset
SELECT * FROM pg_temp.took(:'x860');
SELECT * FROM pg_temp.lines('PO-1');
SELECT * FROM pg_temp.took(:'x860');
SELECT * FROM pg_temp.took(jsonb_set(:'x860'::jsonb, '{BCH,0,BCH05}', '"0"'));
SELECT * FROM pg_temp.took(jsonb_set(jsonb_set(:'x860'::jsonb, '{BCH,0,BCH05}', '"2"'), '{POC,0,ids}', '{"VN": "17589683"}'));
SELECT * FROM pg_temp.took(jsonb_set(jsonb_set(:'x860'::jsonb, '{BCH,0,BCH05}', '"3"'), '{POC,0,POC02}', '"XX"'));
-- The number of a line counts only with its product; what was cancelled is not taken back.
SELECT c.status FROM usom.orders o, usom.cancel_line(o.order_no, 1, 30, 'short') c WHERE o.external_id = 'PO-1';
SELECT * FROM pg_temp.took('{"format": "x12", "type": "860", "BCH": [{"BCH01": "04", "BCH03": "PO-1", "BCH05": "4"}],
	"POC": [{"POC01": "10", "POC02": "QI", "POC03": "80", "POC05": "EA", "ids": {"VN": "AB3542"}}, {"POC01": "20", "POC02": "DI", "POC03": "7", "POC05": "EA", "ids": {"VN": "XY5266"}}]}');
SELECT * FROM pg_temp.lines('PO-1');
SELECT * FROM pg_temp.took('{"format": "x12", "type": "860", "BCH": [{"BCH01": "01", "BCH03": "PO-1"}]}');
SELECT status FROM usom.orders WHERE external_id = 'PO-1';

-- ORDERS and ORDCHG: decimal marks, dates with and without time, a price for a hundred.
SELECT * FROM pg_temp.took('{"format": "edifact", "type": "ORDERS", "interchange": {"sender": "12345678"}, "BGM": [{"BGM01": ["220"], "BGM02": ["80-1"], "BGM03": ["9"]}],
	"DTM": [{"DTM01": ["137", "203008030730", "203"]}, {"DTM01": ["2", "20300806", "102"]}], "NAD": [{"NAD01": ["SU"], "NAD02": ["1"]}, {"NAD01": ["BY"], "NAD02": ["8711576000012", "", "9"]}],
	"LIN": [{"LIN01": ["1"], "ids": {"EN": "none", "SA": "AB3542"}, "QTY": [{"QTY01": ["59", "12"]}, {"QTY01": ["21", "8.5", "PCE"]}], "PRI": [{"PRI01": ["AAA", "12.80", "CT", "AAE"]}]},
		{"LIN01": ["2"], "ids": {"SA": "RD5322"}, "QTY": [{"QTY01": ["21", "3"]}], "PRI": [{"PRI01": ["AAA", "150", "", "", "100"]}]}]}');
SELECT o.placed_at, o.requested_at, l.* FROM usom.orders o, pg_temp.lines(o.external_id) l WHERE o.external_id = '80-1';
SELECT * FROM pg_temp.took('{"format": "edifact", "type": "ORDCHG", "BGM": [{"BGM02": ["c1"], "BGM03": ["4"]}], "DTM": [{"DTM01": ["137", "20301101", "102"]}], "RFF": [{"RFF01": ["ON", "80-1"]}],
	"LIN": [{"LIN01": ["1"], "LIN02": ["2"], "ids": {"SA": "AB3542"}}, {"LIN01": ["2"], "LIN02": ["3"], "ids": {"SA": "RD5322"}, "QTY": [{"QTY01": ["21", "5"]}]}]}');
SELECT * FROM pg_temp.lines('80-1');

-- UBL: change and cancellation of an order.
SELECT * FROM pg_temp.took('{"format": "ubl", "type": "Order", "Order": [{"ID": [{"_": "34"}], "IssueDate": [{"_": "2030-01-20"}], "IssueTime": [{"_": "12:30:00"}], "DocumentCurrencyCode": [{"_": "EUR"}],
	"BuyerCustomerParty": [{"SupplierAssignedAccountID": [{"_": "GT00978567"}]}], "OrderLine": [{"LineItem": [{"ID": [{"_": "1"}], "Quantity": [{"_": "10", "unitCode": "C62"}],
	"Price": [{"PriceAmount": [{"_": "2.5", "currencyID": "EUR"}], "BaseQuantity": [{"_": "1.0"}]}], "Item": [{"SellersItemIdentification": [{"ID": [{"_": "17589683"}]}]}]}]}]}]}');
SELECT * FROM pg_temp.took('{"format": "ubl", "type": "OrderChange", "OrderChange": [{"SequenceNumberID": [{"_": "1"}], "OrderReference": [{"ID": [{"_": "34"}]}], "Note": [{"_": "more"}, {"_": "please"}],
	"OrderLine": [{"LineItem": [{"ID": [{"_": "1"}], "LineStatusCode": [{"_": "Revised"}], "Quantity": [{"_": "24", "unitCode": "C62"}], "Item": [{"SellersItemIdentification": [{"ID": [{"_": "17589683"}]}]}]}]},
	{"LineItem": [{"ID": [{"_": "2"}], "LineStatusCode": [{"_": "Added"}], "Quantity": [{"_": "1", "unitCode": "C62"}], "Item": [{"SellersItemIdentification": [{"ID": [{"_": "AB3542"}]}]}],
	"Price": [{"PriceAmount": [{"_": "3", "currencyID": "EUR"}]}]}]}]}]}');
SELECT o.placed_at, o.instructions, o.revision, l.* FROM usom.orders o, pg_temp.lines(o.external_id) l WHERE o.external_id = '34';
SELECT * FROM pg_temp.took('{"format": "ubl", "type": "OrderCancellation", "OrderCancellation": [{"CancellationNote": [{"_": "by phone"}], "OrderReference": [{"ID": [{"_": "34"}]}]}]}');
SELECT status FROM usom.orders WHERE external_id = '34';

-- It comes again in another envelope: the same; with another quantity: not the same.
SELECT * FROM pg_temp.took(:'x850'::jsonb || '{"interchange": {"sender": "4405197800", "control": "99"}, "control": "0099"}');
\set VERBOSITY terse
SELECT * FROM pg_temp.took(jsonb_set(:'x850', '{PO1,0,PO102}', '"121"'));
\set VERBOSITY default

-- A line in cases, with the price of a case.
SELECT * FROM pg_temp.took(jsonb_set(jsonb_set(:'x850', '{BEG,0,BEG03}', '"PO-3"'), '{PO1}', '[{"PO102": "4", "PO103": "CA", "PO104": "165.48", "ids": {"VN": "RD5322"}}, {"PO102": "2", "PO103": "BX", "ids": {"VN": "AB3542"}}]'));
SELECT * FROM pg_temp.took(jsonb_set(jsonb_set(:'x850', '{BEG,0,BEG03}', '"PO-4"'), '{PO1}', '[{"PO102": "4", "PO103": "CA", "PO104": "165.48", "ids": {"VN": "RD5322"}}]'));
SELECT * FROM pg_temp.lines('PO-4');
-- Changed: three cases at another price, and a line counted one by one; its prices are told anew.
SELECT * FROM pg_temp.took('{"format": "x12", "type": "860", "BCH": [{"BCH01": "04", "BCH03": "PO-4", "BCH05": "1"}],
	"POC": [{"POC01": "1", "POC02": "PQ", "POC03": "3", "POC05": ["CA"], "POC06": "170.40", "ids": {"VN": "RD5322"}}, {"POC02": "AI", "POC03": "2", "POC05": "EA", "POC06": "9.25", "ids": {"VN": "AB3542"}}]}');
SELECT * FROM pg_temp.took('{"format": "x12", "type": "860", "BCH": [{"BCH01": "04", "BCH03": "PO-4", "BCH05": "2"}], "POC": [{"POC01": "2", "POC02": "QI", "POC03": "5", "POC05": "EA", "ids": {"VN": "AB3542"}}]}');
SELECT * FROM pg_temp.lines('PO-4');
SELECT e.line_no, e.step, e.after FROM usom.orders o, usom.explain_price(o.order_no) e WHERE o.external_id = 'PO-4' ORDER BY 1;

-- What a converter could not read is dead at once, and says where; so is what no order is made of.  Mended, it is what it would have been.
SELECT * FROM pg_temp.took('{"format": "x12", "type": "850", "errors": [{"path": "segment 33, SE01", "message": "segment 33, SE01: it counts 33 segments, where there are 32", "segment": 33}, {"message": "second"}, {}], "raw": "ISA*..."}');
SELECT * FROM pg_temp.took('{"format": "x12", "type": "997"}');
SELECT status, outcome, path, code, message FROM pg_temp.took(jsonb_set(:'x850'::jsonb, '{BEG,0,BEG03}', '"PO-2"') || '{"errors": [{"path": "segment 35, IEA02", "message": "segment 35, IEA02: control number 1"}], "raw": "ISA*..."}');
SELECT kind, status, attempts, next_attempt_at FROM usom.inbox WHERE status = 'dead' AND findings @> '[{"path": "segment 35, IEA02"}]';
SELECT m.status, m.outcome FROM usom.inbox i, usom.mend(i.message_no, '[{"path": ["errors"], "remove": true}]', 'their trailers are always wrong') m WHERE i.findings @> '[{"path": "segment 35, IEA02"}]';
SELECT external_id, total FROM usom.orders WHERE external_id = 'PO-2';
SELECT * FROM pg_temp.took(:'x850'::jsonb #- '{BEG}' #- '{N1}');

-- Answers are read as those of others are: an 855 and an ORDRSP as the converter gives them, and ours.
SELECT * FROM pg_temp.took(jsonb_set(jsonb_set(:'x850', '{BEG,0,BEG03}', '"PO-5"'), '{PO1}', '[{"PO102": "10", "PO103": "EA", "PO104": "1", "ids": {"VN": "AB3542"}}, {"PO102": "2000", "PO103": "EA", "PO104": "2", "ids": {"VN": "XY5266"}},
	{"PO102": "8", "PO103": "EA", "PO104": "3", "ids": {"VN": "RD5322"}}, {"PO102": "4", "PO103": "EA", "PO104": "4", "ids": {"VN": "17589683"}}, {"PO102": "1", "PO103": "EA", "PO104": "1", "ids": {"VN": "AB3542"}, "DTM": [{"DTM01": "002", "DTM02": "20200101"}]}]'));
SELECT c.status FROM usom.orders o, usom.cancel_line(o.order_no, 3, 3, 'short') c WHERE o.external_id = 'PO-5';
SELECT c.status FROM usom.orders o, usom.cancel_line(o.order_no, 4, 4, 'none') c WHERE o.external_id = 'PO-5';
SELECT line_no, x.status, quantity, quantity_accepted AS accepted, quantity_backordered AS backordered, quantity_rejected AS rejected, unit_price, x.promised_at IS NULL AS no_promise FROM usom.order_response_lines x JOIN usom.orders o USING (order_no) WHERE o.external_id = 'PO-5' ORDER BY 1;
CREATE FUNCTION pg_temp.read_855(document jsonb) RETURNS TABLE (answer text, po text, line text, ordered text, price text, ack text, quantity text) LANGUAGE sql AS $$
	SELECT document #>> '{BAK,0,BAK02}', document #>> '{BAK,0,BAK03}', l->>'PO101', l->>'PO102', l->>'PO104', a->>'ACK01', a->>'ACK02'
	FROM jsonb_path_query(document, '$.PO1[*]') WITH ORDINALITY x (l, n), jsonb_path_query(l, '$.ACK[*]') WITH ORDINALITY y (a, m) ORDER BY n, m
$$;
SELECT * FROM pg_temp.read_855('{"format": "x12", "type": "855", "BAK": [{"BAK01": "00", "BAK02": "AD", "BAK03": "POTEST1112"}], "PO1": [{"PO101": "1", "PO102": "3", "PO103": "UN", "PO104": "4.5", "ACK": [{"ACK01": "IA", "ACK02": "3", "ACK03": "UN"}]},
	{"PO101": "2", "PO102": "2", "PO104": "15.99", "ACK": [{"ACK01": "IR", "ACK02": "0"}]}]}');
SELECT r.* FROM usom.x12_855 d, pg_temp.read_855(d.document) r WHERE d.external_id = 'PO-5';
CREATE FUNCTION pg_temp.read_ordrsp(document jsonb) RETURNS TABLE (answer text, po text, line text, action text, price text, quantities text) LANGUAGE sql AS $$
	SELECT document #>> '{BGM,0,BGM03,0}', jsonb_path_query_first(document, '$.RFF ? (@.RFF01[0] == "ON").RFF01[1]') #>> '{}', l #>> '{LIN01,0}', l #>> '{LIN02,0}', jsonb_path_query_first(l, '$.PRI.PRI01[1]') #>> '{}',
		(SELECT string_agg(q #>> '{QTY01,0}' || '=' || (q #>> '{QTY01,1}'), ' ') FROM jsonb_path_query(l, '$.QTY[*]') q)
	FROM jsonb_path_query(document, '$.LIN[*]') WITH ORDINALITY x (l, n) ORDER BY n
$$;
SELECT r.* FROM usom.edifact_ordrsp d, pg_temp.read_ordrsp(d.document) r WHERE d.external_id = 'PO-5';
SELECT d.document #>> '{OrderResponse,0,OrderResponseCode,0,_}' AS answer, jsonb_path_query_first(l, '$.ID._') AS line, jsonb_path_query_first(l, '$.LineStatusCode._') AS status, jsonb_path_query_array(l, '$.Quantity._') AS quantity,
	jsonb_path_query_array(l, '$.Delivery.Quantity._') AS deliveries, jsonb_path_query_first(l, '$.Price.PriceAmount._') AS price
FROM usom.ubl_order_response d, jsonb_path_query(d.document, '$.OrderResponse.OrderReference.ID._') po, jsonb_path_query(d.document, '$.OrderResponse.OrderLine[*].LineItem[*]') l WHERE po = '"PO-5"';
SELECT external_id, outcome, x.document #>> '{BAK,0,BAK02}' AS x12, e.document #>> '{BGM,0,BGM03,0}' AS edifact, u.document #>> '{OrderResponse,0,OrderResponseCode,0,_}' AS ubl
FROM usom.order_responses LEFT JOIN usom.x12_855 x USING (external_id, outcome) LEFT JOIN usom.edifact_ordrsp e USING (external_id, outcome) LEFT JOIN usom.ubl_order_response u USING (external_id, outcome) ORDER BY 1;
SELECT * FROM usom.verify();
