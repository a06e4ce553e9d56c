using Npgsql;
using Reference.Core.Hosting;
using Reference.Core.Orders;
using Reference.Core.Worlds;

namespace Reference.NativeAot.Data;

internal static class NpgsqlExtensions
{
    /// <summary>The stores by the driver alone. Nothing connects before the first query.</summary>
    public static void AddNpgsql(this IServiceCollection services, Settings settings)
    {
        services.AddSingleton(provider =>
        {
            var database = new NpgsqlSlimDataSourceBuilder(settings.Database?.ConnectionString);
            database.UseLoggerFactory(provider.GetRequiredService<ILoggerFactory>());
            database.EnableArrays();
            return database.Build();
        });
        services.AddSingleton<IWorldStore, WorldStore>();
        services.AddSingleton<IOrderStore, OrderStore>();
    }

    /// <summary>A parameter of a known type, which the driver writes without boxing it.</summary>
    public static NpgsqlParameter<T> Parameter<T>(T value) => new() { TypedValue = value };
}
