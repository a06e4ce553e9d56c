<?php

return [

    'default' => 'apc',

    'stores' => [

        // Shared by all children of PHP-FPM; apc.shm_size in deploy/php/laravel.ini is its bound.
        'apc' => [
            'driver' => 'apc',
            // Nothing listens to them, and they are made for every key.
            'events' => false,
        ],

    ],

];
