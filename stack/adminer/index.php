<?php
// Adminer with a drop-down of the servers named in ADMINER_SERVERS, and without a look for newer versions of itself.
// ADMINER_DIRECTORY: the folder of adminer.php and its plugins, of version 4 or 5.

require __DIR__ . '/allowed-hosts.php';

/** Says where the passwords are: they are made on each machine, and this page is open to all of its users. */
class LoginHint {
    function loginForm() {
        echo '<p>' . htmlspecialchars(getenv('ADMINER_HINT')) . '</p>';
    }
}

function adminer_object() {
    $folder = getenv('ADMINER_DIRECTORY') . '/plugins';
    $isFour = file_exists("$folder/plugin.php"); // later versions have it inside
    foreach ($isFour ? ['plugin', 'login-servers', 'version-noverify'] : ['login-servers', 'version-noverify'] as $name) {
        include_once "$folder/$name.php";
    }
    $servers = [];
    foreach (json_decode(getenv('ADMINER_SERVERS'), true) as $name => $address) {
        $servers[$name] = ['server' => $address, 'driver' => 'pgsql'];
    }
    $plugins = [new AdminerLoginServers($servers), new AdminerVersionNoverify(), new LoginHint()];
    return $isFour ? new AdminerPlugin($plugins) : new Adminer\Plugins($plugins);
}

include getenv('ADMINER_DIRECTORY') . '/adminer.php';
