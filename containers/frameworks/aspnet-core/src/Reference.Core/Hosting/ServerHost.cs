using System.Reflection;
using System.Runtime;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Reference.Core.Upstream;
using Reference.Core.Validation;
using Reference.Core.Worlds;

namespace Reference.Core.Hosting;

/// <summary>What the servers have in common: how they start and stop, and what surrounds their routes.</summary>
public static class ServerHost
{
    private const int UnusableConfiguration = 2;
    private const int CannotListen = 1;

    /// <summary>A margin below the contract's five seconds.</summary>
    private static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(4);

    /// <summary>Runs what <paramref name="build"/> makes until it is told to stop.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> MainAsync(string[] args, Func<WebApplication> build)
    {
        if (args is ["--version"])
        {
            Console.WriteLine(Version);
            return 0;
        }

        WebApplication app;
        try
        {
            app = build();
        }
        catch (SettingException error)
        {
            Console.Error.WriteLine($"configuration: {error.Message}");
            return UnusableConfiguration;
        }

        await using (app)
        {
            try
            {
                await app.StartAsync();
            }
            catch (Exception error) when (error is IOException or System.Net.Sockets.SocketException)
            {
                Console.Error.WriteLine($"cannot listen: {error.Message}");
                return CannotListen;
            }

            app.Logger.LogInformation(
                "ASP.NET Core {Version}, {Processors} processor(s), garbage collector: {Kind}, {Mode}",
                Version,
                Environment.ProcessorCount,
                GCSettings.IsServerGC ? "server" : "workstation",
                GCSettings.LatencyMode == GCLatencyMode.Batch ? "not concurrent" : "concurrent");
            await app.WaitForShutdownAsync();
            return 0;
        }
    }

    /// <summary>Settings and services that every server needs.</summary>
    /// <exception cref="SettingException">The environment holds an unusable value.</exception>
    public static Settings AddServer(this WebApplicationBuilder builder)
    {
        var settings = Settings.From(builder.Configuration);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(settings.Host, settings.Port));
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = StopWithin);
        // Before the framework's own writer: the first that can write an answer does.
        builder.Services.AddSingleton<IProblemDetailsWriter, FaultsWriter>();
        builder.Services.AddProblemDetails();
        builder.Services.AddExceptionHandler<ErrorHandler>();
        builder.Services.AddHealthChecks();
        builder.Services.AddCachedWorlds();
        builder.Services.AddUpstream(settings.Upstream);
        return settings;
    }

    /// <summary>The middleware that every server needs, and its health check.</summary>
    public static void UseServer(this WebApplication app, Settings settings)
    {
        app.UseExceptionHandler();
        app.UseNeeds(settings);
        app.UseWebSockets();
        app.MapHealthChecks("/health", new HealthCheckOptions
        {
            ResponseWriter = static (context, _) =>
            {
                context.Response.ContentType = "text/plain";
                return context.Response.WriteAsync("OK");
            },
        });
    }

    /// <summary>The framework's own version: 10.0.12 of 10.0.12+commit.</summary>
    private static string Version =>
        typeof(WebApplication).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
        ?? Environment.Version.ToString();
}
