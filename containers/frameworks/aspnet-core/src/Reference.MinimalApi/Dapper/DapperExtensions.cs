using Reference.Core.Hosting;
using Reference.Core.Orders;
using Reference.Core.Worlds;

namespace Reference.MinimalApi.Dapper;

internal static class DapperExtensions
{
    /// <summary>The stores by Dapper. Nothing connects before the first query.</summary>
    public static void AddDapper(this IServiceCollection services, Settings settings)
    {
        services.AddNpgsqlDataSource(settings.Database?.ConnectionString ?? "");
        services.AddSingleton<IWorldStore, WorldStore>();
        services.AddSingleton<IOrderStore, OrderStore>();
    }
}
