SELECT load.some_order() AS no \gset
SELECT load.attempt('cancel_line', format('SELECT usom.cancel_line(%L, 1, 1, ''load'')', ':no'));
