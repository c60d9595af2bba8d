SELECT load.some_order() AS no \gset
SELECT load.attempt('deliver', format('SELECT usom.deliver(shipment_no) FROM usom.shipments WHERE order_no = %L', ':no'));
