SELECT load.some_order() AS no \gset
SELECT load.attempt('raw', format('UPDATE usom.sales_order SET status = %L WHERE order_no = %L',
	(ARRAY['cancelled', 'confirmed', 'closed', 'shipped'])[1 + floor(random() * 4)], ':no'));
