SELECT load.some_order() AS no \gset
SELECT load.attempt('as_of', format($$SELECT usom.order_as_of(o.order_no, o.created_at + (1 - random() ^ 2) * (clock_timestamp() - o.created_at))
	FROM usom.sales_order o WHERE o.order_no = %L$$, ':no'));
SELECT load.attempt('order_changes', format('SELECT count(*) FROM usom.order_changes(%L)', ':no'));
