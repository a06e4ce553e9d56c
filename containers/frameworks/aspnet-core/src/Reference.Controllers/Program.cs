using Reference.Controllers;
using Reference.Core.Hosting;
using Reference.EntityFramework;

return await ServerHost.MainAsync(args, () =>
{
    var builder = WebApplication.CreateBuilder(args);
    var settings = builder.AddServer();
    builder.Services.AddEntityFramework(settings);
    builder.Services.AddControllersWithViews().AddFaults();

    var app = builder.Build();
    app.UseServer(settings);
    app.MapControllers();
    return app;
});
