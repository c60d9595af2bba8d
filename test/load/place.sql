SELECT load.attempt('place', format('SELECT usom.place_order(%L)', load.document()));
