SELECT load.some_shipped_order() AS no \gset
SELECT load.attempt('return', format($$SELECT usom.receive_return(usom.authorize_return(%L, '[{"line_no": 1, "quantity": 1}]', 'load'), '[{"line_no": 1, "quantity": 1}]')$$, ':no'));
