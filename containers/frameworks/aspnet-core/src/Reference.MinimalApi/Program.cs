using Reference.Core.Hosting;
using Reference.EntityFramework;
using Reference.MinimalApi.Dapper;
using Reference.MinimalApi.Endpoints;

return await ServerHost.MainAsync(args, () =>
{
    var builder = WebApplication.CreateBuilder(args);
    var settings = builder.AddServer();
    builder.Services.AddEndpointServices();
    builder.Services.AddValidation();
    switch (builder.Configuration["DATA_LAYER"])
    {
        case null or "" or "entity-framework":
            builder.Services.AddEntityFramework(settings);
            break;
        case "dapper":
            builder.Services.AddDapper(settings);
            break;
        case var other:
            throw new SettingException($"DATA_LAYER must be entity-framework or dapper, not \"{other}\"");
    }

    var app = builder.Build();
    app.UseServer(settings);
    app.MapEndpoints();
    return app;
});
