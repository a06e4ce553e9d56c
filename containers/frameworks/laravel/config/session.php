<?php

return [

    // No route has a session. Laravel makes the store nevertheless, and its default would ask for a table of the database.
    'driver' => 'array',

];
