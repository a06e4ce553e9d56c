using System.Globalization;
using System.Net;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace Reference.Core.Hosting;

/// <summary>A setting that cannot be used. The message names the variable and holds no password.</summary>
public sealed class SettingException(string message) : Exception(message);

/// <summary>What containers/CONTRACT.md lets the environment decide.</summary>
/// <param name="Database">null without DATABASE_URL: the routes that need it answer 503.</param>
/// <param name="Upstream">null without UPSTREAM_URL: the route that needs it answers 503.</param>
public sealed record Settings(IPAddress Host, int Port, NpgsqlConnectionStringBuilder? Database, Uri? Upstream)
{
    /// <exception cref="SettingException">A value is unusable.</exception>
    public static Settings From(IConfiguration configuration)
    {
        // One process uses every core it may run on, so the count is checked and has no further effect.
        Number(configuration, "WORKERS", fallback: 1, most: 1024);
        return new Settings(
            Address(configuration["HOST"]),
            Number(configuration, "PORT", fallback: 8080, most: 65_535),
            ConnectionString(configuration["DATABASE_URL"], Number(configuration, "DB_POOL_SIZE", fallback: 32, most: 1000)),
            Service(configuration["UPSTREAM_URL"]));
    }

    private static int Number(IConfiguration configuration, string name, int fallback, int most)
    {
        var text = configuration[name];
        if (string.IsNullOrEmpty(text))
        {
            return fallback;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= most
            ? number
            : throw new SettingException($"{name} must be a number from 1 to {most}, not \"{text}\"");
    }

    private static IPAddress Address(string? text) => text switch
    {
        null or "" => IPAddress.Any,
        "localhost" => IPAddress.Loopback,
        _ => IPAddress.TryParse(text, out var address)
            ? address
            : throw new SettingException($"HOST must be an IP address or localhost, not \"{text}\""),
    };

    private static Uri? Service(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        return Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? uri
            : throw new SettingException("UPSTREAM_URL must be a URL that begins with http://");
    }

    /// <summary>Npgsql takes no URLs, so one is taken apart. No message quotes it: it holds the password.</summary>
    private static NpgsqlConnectionStringBuilder? ConnectionString(string? text, int poolSize)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("postgres" or "postgresql") || uri.Host == "")
        {
            throw new SettingException("DATABASE_URL must have the form postgres://user:password@host:port/database");
        }

        var user = uri.UserInfo.Split(':', 2);
        var database = new NpgsqlConnectionStringBuilder
        {
            Host = uri.IdnHost,
            Port = uri.Port > 0 ? uri.Port : NpgsqlConnection.DefaultPort,
            Username = Uri.UnescapeDataString(user[0]),
            Password = user.Length > 1 ? Uri.UnescapeDataString(user[1]) : null,
            Database = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/')),
            MaxPoolSize = poolSize,
            // Npgsql would ask for Kerberos first, which .NET's images do not have.
            GssEncryptionMode = GssEncryptionMode.Disable,
            // Npgsql prepares what is asked for repeatedly, and keeps it with the connection (npgsql.org/doc/prepare.html).
            MaxAutoPrepare = 32,
            // Nothing here changes a session's state, so that there is none to reset each time a connection goes back
            // (npgsql.org/doc/performance.html, "Pooled Connection Reset").
            NoResetOnClose = true,
        };
        foreach (var pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = (pair.Split('=', 2)[0], pair.Contains('=') ? pair.Split('=', 2)[1] : "");
            try
            {
                database[Uri.UnescapeDataString(name)] = Uri.UnescapeDataString(value);
            }
            catch (Exception error) when (error is ArgumentException or FormatException)
            {
                throw new SettingException($"DATABASE_URL: Npgsql does not take the parameter \"{name}\" with this value");
            }
        }

        return database;
    }
}
