-- Mappings of X12, EDIFACT, TRADACOMS and UBL, in the JSON that tools/intake makes of them.
CREATE FUNCTION usom._edi_mappings() RETURNS TABLE (code text, kind text, applies text, root text, lines text, problems text, envelope text[], priority integer, about text)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT m.code, m.kind, m.applies, m.root, m.lines, m.problems, CASE WHEN m.code LIKE 'ubl%' THEN '{}' ELSE '{interchange,group,control,notes}' END::text[], m.priority, m.about FROM (VALUES
	('edi_error', 'order', 'exists ($.errors[*].message) && exists ($.raw)', NULL, NULL, '$.errors[*]', 10,
		'Messages that the converter could not read, or that contradict their envelope: each fault is a finding.'),
	('edi_other', 'order', '$.format == "x12" || $.format == "edifact" || $.format == "tradacoms" || $.format == "ubl" || $.format == "unknown"', NULL, NULL,
		'"no order is made of messages of this type"', 900, 'Messages of any other type, to be told and not guessed at.'),
	('x12_850', 'order', '$.format == "x12" && $.type == "850" && !($.BEG.BEG01 == "01")', NULL, '$.PO1[*]', NULL, 100, 'X12 850 purchase orders.'),
	('x12_850_cancellation', 'cancellation', '$.format == "x12" && $.type == "850" && $.BEG.BEG01 == "01"', NULL, NULL, NULL, 100, 'X12 850 with purpose 01.'),
	('x12_860', 'change', '$.format == "x12" && $.type == "860" && !($.BCH.BCH01 == "01")', NULL, '$.POC[*]', NULL, 100, 'X12 860 changes of purchase orders.'),
	('x12_860_cancellation', 'cancellation', '$.format == "x12" && $.type == "860" && $.BCH.BCH01 == "01"', NULL, NULL, NULL, 100, 'X12 860 with purpose 01.'),
	('edifact_orders', 'order', '$.format == "edifact" && $.type == "ORDERS" && !($.BGM.BGM03[0] == "1")', NULL, '$.LIN[*]', NULL, 100, 'EDIFACT ORDERS.'),
	('edifact_orders_cancellation', 'cancellation', '$.format == "edifact" && $.type == "ORDERS" && $.BGM.BGM03[0] == "1"', NULL, NULL, NULL, 100, 'EDIFACT ORDERS with function 1.'),
	('edifact_ordchg', 'change', '$.format == "edifact" && $.type == "ORDCHG" && !($.BGM.BGM03[0] == "1")', NULL, '$.LIN[*]', NULL, 100, 'EDIFACT ORDCHG.'),
	('edifact_ordchg_cancellation', 'cancellation', '$.format == "edifact" && $.type == "ORDCHG" && $.BGM.BGM03[0] == "1"', NULL, NULL, NULL, 100, 'EDIFACT ORDCHG with function 1.'),
	('tradacoms_orders', 'order', '$.format == "tradacoms" && $.type == "ORDERS"', NULL, '$.OLD[*]', NULL, 100, 'TRADACOMS ORDERS; prices are those of the price list.'),
	('ubl_order', 'order', '$.format == "ubl" && $.type == "Order"', '$.Order[*]', '$.OrderLine[*].LineItem[*]', NULL, 100, 'UBL Order, 2.0 and later.'),
	('ubl_order_change', 'change', '$.format == "ubl" && $.type == "OrderChange"', '$.OrderChange[*]', '$.OrderLine[*].LineItem[*]', NULL, 100, 'UBL OrderChange.'),
	('ubl_order_cancellation', 'cancellation', '$.format == "ubl" && $.type == "OrderCancellation"', '$.OrderCancellation[*]', NULL, NULL, 100, 'UBL OrderCancellation.')
	) AS m (code, kind, applies, root, lines, problems, priority, about)
$$;
COMMENT ON FUNCTION usom._edi_mappings() IS 'Mappings of EDI and UBL, for add_mapping().';
REVOKE ALL ON FUNCTION usom._edi_mappings() FROM PUBLIC;

-- What the senders of a format call a product: the supplier's number first, then numbers of the trade, then the buyer's.
CREATE FUNCTION usom._edi_fields() RETURNS TABLE (code text, target text, ordinal integer, source text, transforms text, argument text, fallback text, required boolean)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT c.code, f.target, f.ordinal, f.source, f.transforms, f.argument, f.fallback, coalesce(f.required, c.code IN ('edifact_orders', 'ubl_order')) FROM (VALUES
	('x12_850', 'external_id', 1, '$.BEG.BEG03', '{trim}', NULL, NULL, true),
	('x12_850', 'placed_at', 1, '$.BEG.BEG05 ? (@ like_regex "^[0-9]{6}$")', '{date}', '{"date": "YYMMDD"}', NULL, false),
	('x12_850', 'placed_at', 2, '$.BEG.BEG05', '{date}', '{"date": "YYYYMMDD"}', NULL, false),
	('x12_850', 'customer', 1, '$.N1 ? (@.N101 == "BY").N104', '{lookup}', '{"lookup": "party"}', NULL, true),
	('x12_850', 'customer', 2, '$.interchange.sender', '{lookup}', '{"lookup": "party"}', NULL, true),
	('x12_850', 'currency', 1, '$.CUR.CUR02', '{currency}', NULL, NULL, false),
	('x12_850', 'currency', 2, '$.PO1.CUR.CUR02', '{currency}', NULL, NULL, false),
	('x12_850', 'requested_at', 1, '$.DTM ? (@.DTM01 == "002").DTM02', '{date}', '{"date": "YYYYMMDD"}', NULL, false),
	('x12_850', 'requested_at', 2, '$.DTM ? (@.DTM01 == "106").DTM02', '{date}', '{"date": "YYYYMMDD"}', NULL, false),
	('x12_850', 'requested_at', 3, '$.DTM ? (@.DTM01 == "010").DTM02', '{date}', '{"date": "YYYYMMDD"}', NULL, false),
	('x12_850', 'instructions', 1, '$.N9.MSG.MSG01', '{join}', '{"join": "\n"}', NULL, false),
	('x12_850', 'ship_to.name', 1, '$.N1 ? (@.N101 == "ST").N102', '{}', NULL, NULL, false),
	('x12_850', 'ship_to.line1', 1, '$.N1 ? (@.N101 == "ST").N3[0].N301', '{}', NULL, NULL, false),
	('x12_850', 'ship_to.line2', 1, '$.N1 ? (@.N101 == "ST").N3[0].N302', '{}', NULL, NULL, false),
	('x12_850', 'ship_to.line2', 2, '$.N1 ? (@.N101 == "ST").N3[1].N301', '{}', NULL, NULL, false),
	('x12_850', 'ship_to.city', 1, '$.N1 ? (@.N101 == "ST").N4.N401', '{}', NULL, NULL, false),
	('x12_850', 'ship_to.region', 1, '$.N1 ? (@.N101 == "ST").N4.N402', '{upper}', NULL, NULL, false),
	('x12_850', 'ship_to.postcode', 1, '$.N1 ? (@.N101 == "ST").N4.N403', '{trim}', NULL, NULL, false),
	('x12_850', 'ship_to.country', 1, '$.N1 ? (@.N101 == "ST").N4.N404', '{upper}', NULL, NULL, false),
	('x12_850', 'lines[].sku', 1, '$.ids.VN', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('x12_850', 'lines[].sku', 2, '$.ids.VP', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('x12_850', 'lines[].sku', 3, '$.ids.UP', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('x12_850', 'lines[].sku', 4, '$.ids.EN', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('x12_850', 'lines[].sku', 5, '$.ids.BP', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('x12_850', 'lines[].sku', 6, '$.ids.IN', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('x12_850', 'lines[].sku', 7, '$.ids.CB', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('x12_850', 'lines[].sku', 8, '$.ids.SK', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('x12_850', 'lines[].sku', 9, '$.ids.ST', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('x12_850', 'lines[].quantity', 1, '$.PO102', '{number}', NULL, NULL, true),
	('x12_850', 'lines[].unit', 1, '$.PO103', '{unit}', '{"keep": true}', NULL, false),
	('x12_850', 'lines[].unit_price', 1, '$.PO104', '{number}', NULL, NULL, false),
	('x12_850', 'lines[].requested_at', 1, '$.DTM ? (@.DTM01 == "002").DTM02', '{date}', '{"date": "YYYYMMDD"}', NULL, false),

	('x12_860', 'external_id', 1, '$.BCH.BCH03', '{trim}', NULL, NULL, true),
	('x12_860', 'revision', 1, '$.BCH.BCH05', '{add,integer}', '{"add": 1}', NULL, false),
	('x12_860', 'revision', 2, '$.BCH.BCH11', '{integer}', NULL, NULL, false),
	('x12_860', 'requested_at', 1, '$.DTM ? (@.DTM01 == "002").DTM02', '{date}', '{"date": "YYYYMMDD"}', NULL, false),
	('x12_860', 'lines[].action', 1, '$.POC02', '{lookup}', '{"lookup": "x12_change"}', NULL, true),
	('x12_860', 'lines[].line_no', 1, '$.POC01 ? (@ like_regex "^[0-9]{1,6}$")', '{integer}', NULL, NULL, false),
	('x12_860', 'lines[].sku', 1, '$.ids.VN', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('x12_860', 'lines[].sku', 2, '$.ids.VP', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('x12_860', 'lines[].sku', 3, '$.ids.UP', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('x12_860', 'lines[].sku', 4, '$.ids.EN', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('x12_860', 'lines[].sku', 5, '$.ids.BP', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('x12_860', 'lines[].sku', 6, '$.ids.IN', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('x12_860', 'lines[].sku', 7, '$.ids.CB', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('x12_860', 'lines[].quantity', 1, '$.POC03', '{number}', NULL, NULL, false),
	('x12_860', 'lines[].unit', 1, '$.POC05[0]', '{unit}', '{"keep": true}', NULL, false),
	('x12_860', 'lines[].unit_price', 1, '$.POC06', '{number}', NULL, NULL, false),
	('x12_860', 'lines[].requested_at', 1, '$.DTM ? (@.DTM01 == "002").DTM02', '{date}', '{"date": "YYYYMMDD"}', NULL, false),
	('x12_850_cancellation', 'external_id', 1, '$.BEG.BEG03', '{trim}', NULL, NULL, true),
	('x12_850_cancellation', 'reason', 1, NULL, '{}', NULL, '"cancelled by 850"', false),
	('x12_860_cancellation', 'external_id', 1, '$.BCH.BCH03', '{trim}', NULL, NULL, true),
	('x12_860_cancellation', 'reason', 1, NULL, '{}', NULL, '"cancelled by 860"', false),

	('edifact_orders', 'external_id', 1, '$.BGM.BGM02[0]', '{trim}', NULL, NULL, true),
	('edifact_orders', 'placed_at', 1, '$.DTM ? (@.DTM01[0] == "137" && @.DTM01[2] == "203").DTM01[1]', '{date}', '{"date": "YYYYMMDDHH24MI"}', NULL, false),
	('edifact_orders', 'placed_at', 2, '$.DTM ? (@.DTM01[0] == "137").DTM01[1]', '{date}', '{"date": "YYYYMMDD"}', NULL, false),
	('edifact_orders', 'placed_at', 3, '$.DTM ? (@.DTM01[0] == "4").DTM01[1]', '{date}', '{"date": "YYYYMMDD"}', NULL, false),
	('edifact_orders', 'requested_at', 1, '$.DTM ? (@.DTM01[0] == "2" && @.DTM01[2] == "203").DTM01[1]', '{date}', '{"date": "YYYYMMDDHH24MI"}', NULL, false),
	('edifact_orders', 'requested_at', 2, '$.DTM ? (@.DTM01[0] == "2").DTM01[1]', '{date}', '{"date": "YYYYMMDD"}', NULL, false),
	('edifact_orders', 'customer', 1, '$.NAD ? (@.NAD01[0] == "BY").NAD02[0]', '{lookup}', '{"lookup": "party"}', NULL, true),
	('edifact_orders', 'customer', 2, '$.interchange.sender', '{lookup}', '{"lookup": "party"}', NULL, true),
	('edifact_orders', 'currency', 1, '$.CUX ? (@.CUX01[0] == "2").CUX01[1]', '{currency}', NULL, NULL, false),
	('edifact_orders', 'instructions', 1, '$.FTX.FTX04[*]', '{join}', '{"join": "\n"}', NULL, false),
	('edifact_orders', 'ship_to.name', 1, '$.NAD ? (@.NAD01[0] == "DP").NAD04[0]', '{}', NULL, NULL, false),
	('edifact_orders', 'ship_to.name', 2, '$.NAD ? (@.NAD01[0] == "DP").NAD03[0]', '{}', NULL, NULL, false),
	('edifact_orders', 'ship_to.line1', 1, '$.NAD ? (@.NAD01[0] == "DP").NAD05[0]', '{}', NULL, NULL, false),
	('edifact_orders', 'ship_to.line2', 1, '$.NAD ? (@.NAD01[0] == "DP").NAD05[1]', '{}', NULL, NULL, false),
	('edifact_orders', 'ship_to.city', 1, '$.NAD ? (@.NAD01[0] == "DP").NAD06[0]', '{}', NULL, NULL, false),
	('edifact_orders', 'ship_to.region', 1, '$.NAD ? (@.NAD01[0] == "DP").NAD07[0]', '{upper}', NULL, NULL, false),
	('edifact_orders', 'ship_to.postcode', 1, '$.NAD ? (@.NAD01[0] == "DP").NAD08[0]', '{trim}', NULL, NULL, false),
	('edifact_orders', 'ship_to.country', 1, '$.NAD ? (@.NAD01[0] == "DP").NAD09[0]', '{upper}', NULL, NULL, false),
	('edifact_orders,edifact_ordchg', 'lines[].sku', 1, '$.ids.SA', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('edifact_orders,edifact_ordchg', 'lines[].sku', 2, '$.ids.EN', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('edifact_orders,edifact_ordchg', 'lines[].sku', 3, '$.ids.SRV', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('edifact_orders,edifact_ordchg', 'lines[].sku', 4, '$.ids.IB', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('edifact_orders,edifact_ordchg', 'lines[].sku', 5, '$.ids.IN', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('edifact_orders,edifact_ordchg', 'lines[].sku', 6, '$.ids.BP', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('edifact_orders,edifact_ordchg', 'lines[].quantity', 1, '$.QTY ? (@.QTY01[0] == "21" || @.QTY01[0] == "1" || @.QTY01[0] == "145").QTY01[1]', '{number}', NULL, NULL, NULL),
	('edifact_orders,edifact_ordchg', 'lines[].unit', 1, '$.QTY ? (@.QTY01[0] == "21" || @.QTY01[0] == "1" || @.QTY01[0] == "145").QTY01[2]', '{unit}', '{"keep": true}', NULL, false),
	('edifact_orders,edifact_ordchg', 'lines[].unit_price', 1,
		'$.PRI ? (@.PRI01[0] == "AAA" || @.PRI01[0] == "AAB" || @.PRI01[0] == "CAL").PRI01[1]', '{number,divide}', '{"divide": "$.PRI ? (@.PRI01[0] == \"AAA\" || @.PRI01[0] == \"AAB\" || @.PRI01[0] == \"CAL\").PRI01[4] ? (@ != \"\")"}', NULL, false),
	('edifact_orders,edifact_ordchg', 'lines[].requested_at', 1, '$.DTM ? (@.DTM01[0] == "2" && @.DTM01[2] == "203").DTM01[1]', '{date}', '{"date": "YYYYMMDDHH24MI"}', NULL, false),
	('edifact_orders,edifact_ordchg', 'lines[].requested_at', 2, '$.DTM ? (@.DTM01[0] == "2").DTM01[1]', '{date}', '{"date": "YYYYMMDD"}', NULL, false),
	('edifact_orders_cancellation', 'external_id', 1, '$.BGM.BGM02[0]', '{trim}', NULL, NULL, true),
	('edifact_orders_cancellation', 'reason', 1, NULL, '{}', NULL, '"cancelled by ORDERS"', false),
	('edifact_ordchg,edifact_ordchg_cancellation', 'external_id', 1, '$.RFF ? (@.RFF01[0] == "ON").RFF01[1]', '{trim}', NULL, NULL, true),
	('edifact_ordchg', 'revision', 1, '$.DTM ? (@.DTM01[0] == "137" && @.DTM01[2] == "102").DTM01[1]', '{integer}', NULL, NULL, false),
	('edifact_ordchg', 'requested_at', 1, '$.DTM ? (@.DTM01[0] == "2" && @.DTM01[2] == "102").DTM01[1]', '{date}', '{"date": "YYYYMMDD"}', NULL, false),
	('edifact_ordchg', 'lines[].action', 1, '$.LIN02[0]', '{lookup}', '{"lookup": "edifact_change"}', NULL, true),
	('edifact_ordchg', 'lines[].line_no', 1, '$.LIN01[0] ? (@ like_regex "^[0-9]{1,6}$")', '{integer}', NULL, NULL, false),
	('edifact_ordchg_cancellation', 'reason', 1, NULL, '{}', NULL, '"cancelled by ORDCHG"', false),

	('tradacoms_orders', 'external_id', 1, '$.ORD.ORD01[0]', '{trim}', NULL, NULL, true),
	('tradacoms_orders', 'placed_at', 1, '$.ORD.ORD01[2]', '{date}', '{"date": "YYMMDD", "zone": "Europe/London"}', NULL, false),
	('tradacoms_orders', 'requested_at', 1, '$.DIN.DIN01[0]', '{date}', '{"date": "YYMMDD", "zone": "Europe/London"}', NULL, false),
	('tradacoms_orders', 'customer', 1, '$.CLO.CLO01[0] ? (@ != "")', '{lookup}', '{"lookup": "party"}', NULL, true),
	('tradacoms_orders', 'customer', 2, '$.interchange.sender', '{lookup}', '{"lookup": "party"}', NULL, true),
	('tradacoms_orders', 'lines[].sku', 1, '$.OLD02[0] ? (@ != "")', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('tradacoms_orders', 'lines[].sku', 2, '$.OLD02[1]', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('tradacoms_orders', 'lines[].sku', 3, '$.OLD04[1]', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('tradacoms_orders', 'lines[].quantity', 1, '$.OLD06[0]', '{number}', NULL, NULL, true),

	('ubl_order', 'external_id', 1, '$.ID._', '{trim}', NULL, NULL, true),
	('ubl_order', 'placed_at', 1, '$.keyvalue() ? (@.key == "IssueDate" || @.key == "IssueTime").value._', '{join,date}', '{"join": " "}', NULL, false),
	('ubl_order', 'customer', 1, '$.BuyerCustomerParty.SupplierAssignedAccountID._', '{lookup}', '{"lookup": "party"}', NULL, true),
	('ubl_order', 'customer', 2, '$.BuyerCustomerParty.Party.PartyIdentification[0].ID._', '{lookup}', '{"lookup": "party"}', NULL, true),
	('ubl_order', 'customer', 3, '$.BuyerCustomerParty.Party.EndpointID._', '{lookup}', '{"lookup": "party"}', NULL, true),
	('ubl_order', 'customer', 4, '$.BuyerCustomerParty.Party.PartyName[0].Name._', '{lookup}', '{"lookup": "party"}', NULL, true),
	('ubl_order', 'currency', 1, '$.DocumentCurrencyCode._', '{currency}', NULL, NULL, false),
	('ubl_order', 'currency', 2, '$.OrderLine.LineItem.Price.PriceAmount.currencyID', '{currency}', NULL, NULL, false),
	('ubl_order,ubl_order_change', 'requested_at', 1, '$.Delivery.RequestedDeliveryPeriod.EndDate._', '{date}', NULL, NULL, false),
	('ubl_order,ubl_order_change', 'requested_at', 2, '$.Delivery.RequestedDeliveryPeriod.StartDate._', '{date}', NULL, NULL, false),
	('ubl_order,ubl_order_change', 'instructions', 1, '$.Note._', '{join}', '{"join": "\n"}', NULL, false),
	('ubl_order', 'ship_to.name', 1, '$.Delivery.DeliveryParty.PartyName.Name._', '{}', NULL, NULL, false),
	('ubl_order', 'ship_to.line1', 1, '$.Delivery.*.Address.StreetName._', '{join}', NULL, NULL, false),
	('ubl_order', 'ship_to.line1', 2, '$.Delivery.*.Address.BuildingNumber._', '{join}', NULL, NULL, false),
	('ubl_order', 'ship_to.line1', 3, '$.Delivery.DeliveryAddress.StreetName._', '{join}', NULL, NULL, false),
	('ubl_order', 'ship_to.line1', 4, '$.Delivery.DeliveryAddress.BuildingNumber._', '{join}', NULL, NULL, false),
	('ubl_order', 'ship_to.line2', 1, '$.Delivery.*.Address.AdditionalStreetName._', '{}', NULL, NULL, false),
	('ubl_order', 'ship_to.line2', 2, '$.Delivery.DeliveryAddress.AdditionalStreetName._', '{}', NULL, NULL, false),
	('ubl_order', 'ship_to.city', 1, '$.Delivery.*.Address.CityName._', '{}', NULL, NULL, false),
	('ubl_order', 'ship_to.city', 2, '$.Delivery.DeliveryAddress.CityName._', '{}', NULL, NULL, false),
	('ubl_order', 'ship_to.region', 1, '$.Delivery.*.Address.CountrySubentity._', '{}', NULL, NULL, false),
	('ubl_order', 'ship_to.region', 2, '$.Delivery.DeliveryAddress.CountrySubentity._', '{}', NULL, NULL, false),
	('ubl_order', 'ship_to.postcode', 1, '$.Delivery.*.Address.PostalZone._', '{trim}', NULL, NULL, false),
	('ubl_order', 'ship_to.postcode', 2, '$.Delivery.DeliveryAddress.PostalZone._', '{trim}', NULL, NULL, false),
	('ubl_order', 'ship_to.country', 1, '$.Delivery.*.Address.Country.IdentificationCode._', '{upper}', NULL, NULL, false),
	('ubl_order', 'ship_to.country', 2, '$.Delivery.DeliveryAddress.Country.IdentificationCode._', '{upper}', NULL, NULL, false),
	('ubl_order,ubl_order_change', 'lines[].sku', 1, '$.Item.SellersItemIdentification.ID._', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('ubl_order,ubl_order_change', 'lines[].sku', 2, '$.Item.StandardItemIdentification.ID._', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('ubl_order,ubl_order_change', 'lines[].sku', 3, '$.Item.BuyersItemIdentification.ID._', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('ubl_order,ubl_order_change', 'lines[].sku', 4, '$.Item.Name._', '{lookup}', '{"lookup": "item", "keep": true}', NULL, true),
	('ubl_order,ubl_order_change', 'lines[].quantity', 1, '$.Quantity._', '{number}', NULL, NULL, NULL),
	('ubl_order,ubl_order_change', 'lines[].unit', 1, '$.Quantity.unitCode', '{unit}', '{"keep": true}', NULL, false),
	('ubl_order,ubl_order_change', 'lines[].unit_price', 1, '$.Price.PriceAmount._', '{number,divide}', '{"divide": "$.Price.BaseQuantity._"}', NULL, false),
	('ubl_order,ubl_order_change', 'lines[].requested_at', 1, '$.Delivery.RequestedDeliveryPeriod.EndDate._', '{date}', NULL, NULL, false),
	('ubl_order', 'lines[].partial', 1, '$.PartialDeliveryIndicator._', '{boolean}', NULL, NULL, false),
	('ubl_order_change', 'lines[].action', 1, '$.LineStatusCode._', '{lookup}', '{"lookup": "ubl_line_status"}', NULL, true),
	('ubl_order_change', 'lines[].line_no', 1, '$.ID._ ? (@ like_regex "^[0-9]{1,6}$")', '{integer}', NULL, NULL, false),
	('ubl_order_change,ubl_order_cancellation', 'external_id', 1, '$.OrderReference.ID._', '{trim}', NULL, NULL, true),
	('ubl_order_change', 'revision', 1, '$.SequenceNumberID._', '{add,integer}', '{"add": 1}', NULL, false),
	('ubl_order_cancellation', 'reason', 1, '$.CancellationNote._', '{join}', NULL, '"cancelled by OrderCancellation"', false)
	) AS f (codes, target, ordinal, source, transforms, argument, fallback, required)
	-- Where required is null: an order says how many, a change need not.
	CROSS JOIN LATERAL unnest(string_to_array(f.codes, ',')) AS c (code)
$$;
COMMENT ON FUNCTION usom._edi_fields() IS 'Fields of the mappings of EDI and UBL, for add_mapping().';
REVOKE ALL ON FUNCTION usom._edi_fields() FROM PUBLIC;

CREATE FUNCTION usom._edi_values() RETURNS TABLE (list text, source text, target text)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, usom, pg_temp
AS $$
	SELECT l.list, w.source, l.target FROM (VALUES
	('unit', 'each', 'EA PCE PCS C62 H87 UN UNT'),
	('x12_change', 'add', 'AI'), ('x12_change', 'remove', 'DI'), ('x12_change', 'change', 'CA CT PC PQ QD QI RA RQ RS'), ('x12_change', 'none', 'NC'),
	('edifact_change', 'add', '1'), ('edifact_change', 'remove', '2'), ('edifact_change', 'change', '3'), ('edifact_change', 'none', '4'),
	('ubl_line_status', 'add', 'Added'), ('ubl_line_status', 'remove', 'Cancelled'), ('ubl_line_status', 'change', 'Revised'), ('ubl_line_status', 'none', 'NoStatus')
	) AS l (list, target, sources), unnest(string_to_array(l.sources, ' ')) AS w (source)
$$;
COMMENT ON FUNCTION usom._edi_values() IS 'Codes of EDI and UBL (X12 element 670, UN/EDIFACT 1229, UBL line status, UN/ECE units that are the each of products), for add_mapping().';
REVOKE ALL ON FUNCTION usom._edi_values() FROM PUBLIC;
