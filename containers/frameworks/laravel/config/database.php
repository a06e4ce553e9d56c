<?php

use Pdo\Pgsql;

return [

    'default' => 'pgsql',

    'connections' => [

        'pgsql' => [
            'driver' => 'pgsql',
            // Null where there is none: the routes that need a database then answer 503.
            'url' => env('DATABASE_URL') ?: null,
            'charset' => 'utf8',
            'prefix' => '',
            'sslmode' => 'prefer',
            'options' => [
                // A child of PHP-FPM keeps its connection from one request to the next.
                PDO::ATTR_PERSISTENT => true,
                // Laravel prepares a statement anew each time it runs one: parameters are bound in one message in place of
                // three round trips (prepare, execute, deallocate).
                Pgsql::ATTR_DISABLE_PREPARES => true,
            ],
        ],

    ],

];
