-- the change points, as facts
insert into facts by name select * exclude (believed_says) from change_points
