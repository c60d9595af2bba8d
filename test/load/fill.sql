SELECT load.attempt('fill', format('SELECT * FROM usom.fill_backorders(%L)', 'P' || 1 + floor(random() * 20)::integer));
