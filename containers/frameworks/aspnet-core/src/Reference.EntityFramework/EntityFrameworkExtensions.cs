using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Reference.Core.Hosting;
using Reference.Core.Orders;
using Reference.Core.Worlds;

namespace Reference.EntityFramework;

public static class EntityFrameworkExtensions
{
    /// <summary>The stores by Entity Framework. Nothing connects before the first query.</summary>
    public static void AddEntityFramework(this IServiceCollection services, Settings settings)
    {
        services.AddDbContextPool<AppDbContext>(options => options.UseNpgsql(settings.Database?.ConnectionString));
        services.AddScoped<IWorldStore, WorldStore>();
        services.AddScoped<IOrderStore, OrderStore>();
    }
}
