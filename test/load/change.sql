SELECT load.some_order() AS no \gset
SELECT load.attempt('change', format('SELECT usom.change_order(%L, %L)', ':no',
	jsonb_build_object('lines', jsonb_build_array(
		jsonb_build_object('line_no', 1, 'quantity', 1 + floor(random() * 6)::integer),
		jsonb_build_object('sku', 'P' || 1 + floor(random() * 20)::integer, 'quantity', 1, 'unit_price', 1)))));
