using Microsoft.EntityFrameworkCore;
using Reference.Core.Worlds;

namespace Reference.EntityFramework;

public sealed class AppDbContext(DbContextOptions<AppDbContext> options) : DbContext(options)
{
    public DbSet<World> Worlds => Set<World>();

    public DbSet<CachedWorld> CachedWorlds => Set<CachedWorld>();

    public DbSet<Fortune> Fortunes => Set<Fortune>();

    public DbSet<Order> Orders => Set<Order>();

    public DbSet<OrderLine> OrderLines => Set<OrderLine>();

    protected override void OnModelCreating(ModelBuilder model)
    {
        model.Entity<World>(world =>
        {
            world.ToTable("world");
            world.Property(w => w.Id).HasColumnName("id").ValueGeneratedNever();
            world.Property(w => w.RandomNumber).HasColumnName("randomnumber");
        });

        model.Entity<CachedWorld>(world =>
        {
            world.ToTable("cachedworld");
            world.Property(w => w.Id).HasColumnName("id").ValueGeneratedNever();
            world.Property(w => w.RandomNumber).HasColumnName("randomnumber");
        });

        model.Entity<Fortune>(fortune =>
        {
            fortune.ToTable("fortune");
            fortune.Property(f => f.Id).HasColumnName("id").ValueGeneratedNever();
            fortune.Property(f => f.Message).HasColumnName("message").HasMaxLength(2048);
        });

        model.Entity<Order>(order =>
        {
            order.ToTable("orders");
            order.Property(o => o.Id).HasColumnName("id");
            order.Property(o => o.Customer).HasColumnName("customer");
            order.Property(o => o.Total).HasColumnName("total");
            order.Property(o => o.CreatedAt).HasColumnName("created_at").HasDefaultValueSql("now()");
            order.HasMany(o => o.Lines).WithOne().HasForeignKey(line => line.OrderId).OnDelete(DeleteBehavior.Cascade);
            order.HasIndex(o => new { o.Customer, o.Id });
        });

        model.Entity<OrderLine>(line =>
        {
            line.ToTable("order_lines");
            line.Property(l => l.Id).HasColumnName("id");
            line.Property(l => l.OrderId).HasColumnName("order_id");
            line.Property(l => l.Position).HasColumnName("position");
            line.Property(l => l.Sku).HasColumnName("sku").HasMaxLength(32);
            line.Property(l => l.Quantity).HasColumnName("quantity");
            line.Property(l => l.Price).HasColumnName("price");
        });
    }
}
