SELECT load.some_order() AS no \gset
SELECT load.attempt('cancel', format('SELECT usom.cancel_order(%L, ''load'')', ':no'));
